// graphql-eslint's recommended and Relay rules on the schema, with nothing found but what eslint.config.js and ALLOWED
// below give reasons for.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ESLint } from "eslint";

import { here, schemaFile } from "../places.js";

export const name = "graphql-eslint";
export const about = "schema-recommended and schema-relay on api/schema.graphql";
export const needsProgram = false;

// `no-typename-prefix` has no options. Clients rely on these two names. Each must still be found, so that this list
// never allows more than it says.
const RULE = "@graphql-eslint/no-typename-prefix";
const ALLOWED = {
  'Field "cabin" starts with the name of the parent type "Cabin"':
    "a cabin of a flight is named by its class, as in the trade",
  'Field "carClass" starts with the name of the parent type "Car"':
    "`class` is a reserved word in most clients' languages",
};

// What this schema does wrong must be found: a judge that sees nothing would always be content.
const PLANTED = `"A"\ntype thing {\n  thing_name: [Int]\n}\n`;

export async function judge() {
  const eslint = new ESLint({ cwd: here, overrideConfigFile: join(here, "eslint.config.js"), ignore: false });
  const lint = async (sdl) => (await eslint.lintText(sdl, { filePath: join(here, "schema.graphql") }))[0].messages;
  const found = await lint(readFileSync(schemaFile, "utf8"));
  const allowed = ({ ruleId, message }) => ruleId === RULE && message in ALLOWED;
  const findings = found.filter((finding) => !allowed(finding));
  const unused = Object.keys(ALLOWED).filter((message) => !found.some((finding) => finding.message === message));
  const rules = new Set(findings.map((finding) => finding.ruleId));
  const summary = [
    ...findings.map(
      ({ line, column, message, ruleId }) =>
        `api/schema.graphql:${line}:${column} ${message.split("\n")[0]} (${ruleId})`,
    ),
    ...Object.entries(ALLOWED).map(([message, reason]) => `allowed: ${message}: ${reason}`),
    ...unused.map((message) => `no longer found, take it off the list: ${message}`),
  ];
  const sighted = (await lint(PLANTED)).length > 0;
  if (!sighted) summary.push("a schema full of faults passes: the rules are not applied");
  summary.push(
    `${findings.length} findings of ${rules.size} rules beside ${Object.keys(ALLOWED).length} that are allowed by name`,
  );
  return { ok: findings.length === 0 && unused.length === 0 && sighted, summary };
}
