import { AUTHORITY, type Calls } from "./call.js";

/** What every access agent answers. */
export const POLICY: Calls = {
  "GET /v1/policy": {
    summary: "The policy document, and how far each of its entries is in force.",
    query: ["after"],
    status: 200,
    gives: "PolicyAnswer",
  },
  "PUT /v1/policy": {
    summary: "Store a newer policy document.",
    headers: AUTHORITY,
    takes: "Policy",
    status: 200,
    gives: "PolicyStored",
  },
};

/** What a dispatcher answers. */
export const DISPATCH: Calls = {
  "GET /v1/dispatch": {
    summary: "Where a user is to log in.",
    query: ["uid", "carrier", "province", "port"],
    status: 200,
    gives: "Dispatch",
  },
  "POST /v1/quality": {
    summary: "What was seen of the ways to sites.",
    takes: "QualityReports",
    status: 200,
    gives: "QualityTaken",
  },
  "GET /v1/quality": {
    summary: "Round trips and losses by carrier, province and site.",
    status: 200,
    gives: "Quality",
  },
};
