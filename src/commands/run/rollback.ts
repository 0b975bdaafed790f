import ShardRollback from "../shard/rollback.js";

/** The same under the name of the other family of verbs. */
export default class RunRollback extends ShardRollback {}
