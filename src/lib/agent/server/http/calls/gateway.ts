import type { Calls } from "./call.js";

/** What a gateway answers. */
export const GATEWAY: Calls = {
  "GET /v1/access": {
    summary: "Where clients connect.",
    status: 200,
    gives: "Access",
  },
  "GET /v1/sessions": {
    summary: "The sessions by kind, the logins, what was done on account of entries, and quality.",
    status: 200,
    gives: "Sessions",
  },
  "GET /v1/elsewhere": {
    summary: "Sessions of users who belong to other sites, by kind and by that site.",
    status: 200,
    gives: "Elsewhere",
  },
};
