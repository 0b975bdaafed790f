import type { RuleInfo } from "./rule.js";

/** The one problem that is not in the file: it was named wrongly. */
export const UNREADABLE_FILE = "unreadable-file";

/** What is found while a file is read, before there is anything to check rules on: by the reader, the YAML parser, the schema. */
const FOUND: readonly Omit<RuleInfo, "severity" | "adjustable">[] = [
  {
    id: UNREADABLE_FILE,
    checks: "The file exists, is a regular file and may be read.",
    why: "Nothing in it could be checked; a pipe or a device could block or never end.",
    mend: "Check the path and the permissions.",
    example: "ops topology check no-such-file.yaml",
  },
  {
    id: "too-large",
    checks: "A file has at most 8 MiB and 1,000,000 pieces of YAML syntax.",
    why: "Reading it takes bounded time and memory, whatever it holds.",
    mend: "Check that this is a topology; give shards fewer, larger segments, or use `sharding: consistent-hash`.",
    example: "# 9 MiB of anything",
  },
  {
    id: "encoding",
    checks: "The file is UTF-8 without control characters.",
    why: "Anything else would be read as other names than were written.",
    mend: "Save the file as UTF-8, and delete the character.",
    example: "name: caf\xe9 # Latin-1",
  },
  {
    id: "yaml-syntax",
    checks: "The file is YAML 1.2.",
    why: "Its structure cannot be made out.",
    mend: "Check the syntax on that line and on the one before.",
    example: "regions: { east: [",
  },
  {
    id: "directive",
    checks: "There are no YAML directives.",
    why: "They could change what the rest of the file means.",
    mend: "Delete the line.",
    example: "%YAML 1.1",
  },
  {
    id: "multiple-documents",
    checks: "There is one document in the file.",
    why: "It would not be clear which one is meant.",
    mend: "Delete the `---`, or split the file.",
    example: "version: 1\n---\nversion: 1",
  },
  {
    id: "empty",
    checks: "The file holds something.",
    why: "There is nothing to check.",
    mend: "Begin with `version: 1`.",
    example: "# only a comment",
  },
  {
    id: "too-deep",
    checks: "Nothing is nested more than 64 levels deep.",
    why: "Reading takes bounded memory; a topology needs about 15.",
    mend: "Check the brackets and the indentation.",
    example: "name: [[[[[[[[...]]]]]]]]",
  },
  {
    id: "duplicate-key",
    checks: "A map has a key once.",
    why: "Only one of the two values could count, and it would not be seen which.",
    mend: "Delete or rename one of the two.",
    example: "name: a\nname: b",
  },
  {
    id: "key-not-text",
    checks: "Keys are texts.",
    why: "Keys are names here, and `1` or `null` would become one by chance.",
    mend: "Put the key in quotes if it is a name.",
    example: "1: one",
  },
  {
    id: "yaml-tag",
    checks: "There are no YAML tags.",
    why: "They change the type of a value behind the back of the schema.",
    mend: "Delete the tag.",
    example: "name: !!binary aGVsbG8=",
  },
  {
    id: "merge-key",
    checks: "There are no merge keys (`<<`).",
    why: "They are not part of YAML 1.2, and readers differ in what they do.",
    mend: "Write the keys out, or use an alias for a whole value.",
    example: "n1: { <<: *base, ops: 1k }",
  },
  {
    id: "unknown-alias",
    checks: "An alias has its anchor before it.",
    why: "There is no value to take.",
    mend: "Define the anchor first, or put the text in quotes.",
    example: "capacity: *nowhere",
  },
  {
    id: "alias-limit",
    checks: "Aliases stand for at most 20,000 values and 64 levels, and never for themselves.",
    why: "A few lines could otherwise take all memory.",
    mend: "Write the values out.",
    example: "a: &a [*a]",
  },
  {
    id: "missing-field",
    checks: "Every field that is needed is there.",
    why: "The topology says too little to act on.",
    mend: "Add the field.",
    example: "sh-1: { sets: {} } # no carriers",
  },
  {
    id: "unknown-field",
    checks: "Every field is one of docs/topology.md.",
    why: "A field that is misspelt would be ignored.",
    mend: "Correct the name, or check the indentation.",
    example: "primry: n1",
  },
  {
    id: "wrong-type",
    checks: "A map is where a map must be, a list where a list must be.",
    why: "The value cannot be read.",
    mend: "Check the value and its indentation.",
    example: "keyspaces: [profile]",
  },
  {
    id: "bad-value",
    checks: "Values can be read, have their unit, and lie within their bounds.",
    why: "It would be guesswork what they mean.",
    mend: "Write the value as the hint says.",
    example: "memory: 8 gigs",
  },
  {
    id: "bad-url",
    checks: "URLs are http or https and name no user; those of agents have no query.",
    why: "The agent could not be asked.",
    mend: "Write a base URL such as http://10.1.0.11:7400.",
    example: "agent: 10.1.0.11:7400",
  },
];

export const FILE_RULES: readonly RuleInfo[] = FOUND.map((rule) => ({
  ...rule,
  severity: "error",
  adjustable: false,
}));
