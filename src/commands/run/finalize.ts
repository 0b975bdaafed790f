import ShardFinalize from "../shard/finalize.js";

/** The same under the name of the other family of verbs. */
export default class RunFinalize extends ShardFinalize {}
