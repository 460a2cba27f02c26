// The server audits of graphql-http: every MUST and SHOULD holds; a MAY that is not met has a reason in unmet.json.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { serverAudits } from "graphql-http";

import { here } from "../places.js";

export const name = "graphql-http";
export const about = "its audit suite of GraphQL over HTTP";
export const needsProgram = true;

const LEVELS = ["MUST", "SHOULD", "MAY"];

export async function judge(program) {
  const reasons = JSON.parse(readFileSync(join(here, "unmet.json"), "utf8"));
  const tally = Object.fromEntries(LEVELS.map((level) => [level, { met: 0, unmet: 0 }]));
  const summary = [];
  let ok = true;
  for (const audit of serverAudits({ url: program.url })) {
    const result = await audit.fn();
    const level = audit.name.split(" ")[0];
    const met = result.status === "ok";
    tally[level][met ? "met" : "unmet"] += 1;
    const reason = level === "MAY" ? reasons[audit.id] : undefined;
    if (!met) summary.push(`${audit.id} ${audit.name}: ${reason ? `not met: ${reason}` : result.reason}`);
    if (!met && !reason) ok = false;
    if (met && reasons[audit.id]) {
      summary.push(`${audit.id} is met, but unmet.json still gives a reason why not: take it out`);
      ok = false;
    }
  }
  const told = LEVELS.map((level) => `${level} ${tally[level].met} met, ${tally[level].unmet} not`);
  return { ok, summary: [...summary, told.join("; ")] };
}
