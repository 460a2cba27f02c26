// AsyncAPI's own parser on api/asyncapi.yaml, and every golden record of domain/messages against the schemas that stand there.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { DiagnosticSeverity, Parser } from "@asyncapi/parser";
import Ajv from "ajv";
import addFormats from "ajv-formats";

import { busFile, recordsDirectory } from "../places.js";

export const name = "asyncapi";
export const about = "api/asyncapi.yaml is AsyncAPI 3.0, and every golden record is what it says";
export const needsProgram = false;

// Recommended and not followed: each with its reason.
const ALLOWED = {
  "asyncapi-latest-version": "3.0 is what tools read; the parser names a later draft of the same line",
};

// What no schema may let pass: a judge that sees nothing would always be content.
const PLANTED = [
  ["a payload with a word that no version has", (record) => Object.assign(record.value.payload, { planted: 1 })],
  ["a version of the future", (record) => Object.assign(record.value, { version: 99 })],
  ["an envelope without an id", (record) => delete record.value.message_id],
  ["a key of another kind", (record) => Object.assign(record, { key: "nothing_1" })],
  ["no type in the headers", (record) => delete record.headers.ce_type],
];

async function parsed(text) {
  const { document, diagnostics } = await new Parser().parse(text);
  const unused = Object.keys(ALLOWED).filter((code) => !diagnostics.some((found) => found.code === code));
  const worst = diagnostics.filter(({ code, severity }) => severity === DiagnosticSeverity.Error || !(code in ALLOWED));
  return { document, worst, unused };
}

// Readers ignore what they do not know; what is written must be known. By draft-07 a schema of a payload is an `allOf`, which cannot close its objects: the words of an object are gathered from all that is said
// about it, and compared with those that are there.
function words(schema, resolve, value, at = "") {
  const known = new Set();
  const subschemas = [];
  const visit = (one) => {
    if (one === true || one === undefined) return;
    if (one.$ref) visit(resolve(one.$ref));
    for (const [key, sub] of Object.entries(one.properties ?? {})) {
      known.add(key);
      subschemas.push([key, sub]);
    }
    for (const several of [one.allOf, one.anyOf, one.oneOf]) (several ?? []).forEach(visit);
  };
  visit(schema);
  if (known.size === 0 || value === null || typeof value !== "object" || Array.isArray(value)) return [];
  const unknown = Object.keys(value).filter((key) => !known.has(key));
  return [
    ...unknown.map((key) => `${at}.${key} is not in the schema`),
    ...Object.keys(value).flatMap((key) => {
      const said = subschemas.filter(([name]) => name === key).map(([, sub]) => sub);
      return said.length > 0 ? words({ allOf: said }, resolve, value[key], `${at}.${key}`) : [];
    }),
  ];
}

// What is wrong with a record of this message.
function faults(ajv, document, id, record) {
  const resolve = (reference) => reference.slice(2).split("/").reduce((node, key) => node[key], document);
  const message = document.components.messages[id];
  const parts = [
    ["payload", record.value],
    ["headers", record.headers],
    ["bindings/kafka/key", record.key],
  ];
  return parts.flatMap(([part, value]) => {
    const path = `#/components/messages/${id}/${part}`;
    const validate = ajv.getSchema(`bus${path}`) ?? ajv.compile({ $ref: `bus${path}` });
    const wrong = validate(value) ? [] : ajv.errorsText(validate.errors).split(", ");
    return [...wrong, ...words(resolve(path), resolve, value)].map((what) => `${part}: ${what}`);
  });
}

export async function judge() {
  const text = readFileSync(busFile, "utf8");
  const { document, worst, unused } = await parsed(text);
  const summary = worst.map(({ code, message, path }) => `api/asyncapi.yaml ${path.join(".")}: ${message} (${code})`);
  summary.push(...unused.map((code) => `no longer found, take it off the list: ${code}`));
  if (!document) return { ok: false, summary: [...summary, "it is no AsyncAPI document"] };
  const broken = await parsed(text.replace("asyncapi: ", "asyncapi: 0."));
  if (broken.worst.length === 0) summary.push("a document of no known version passes: nothing is checked");

  const { load } = await import("js-yaml");
  const bus = load(text);
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats(ajv);
  // Whole numbers of so many bits; beyond 53 of them JavaScript itself cannot tell.
  for (const bits of [8, 16, 32, 64]) {
    const validate = (number) => Number.isInteger(number) && number >= 0 && number < 2 ** bits;
    ajv.addFormat(`uint${bits}`, { type: "number", validate });
  }
  ajv.addSchema(bus, "bus");
  const files = readdirSync(recordsDirectory).filter((file) => file.endsWith(".json"));
  const described = new Set(Object.keys(bus.components.messages));
  for (const file of files) {
    const id = file.slice(0, -".json".length).replace(/\.v(\d+)$/, "-v$1").replaceAll(".", "-");
    if (!described.delete(id)) summary.push(`${file}: no message ${id} is described`);
    else {
      const record = () => JSON.parse(readFileSync(join(recordsDirectory, file), "utf8"));
      summary.push(...faults(ajv, bus, id, record()).map((fault) => `${file} ${fault}`));
      for (const [what, plant] of PLANTED) {
        const planted = record();
        if (typeof planted.value.payload !== "object" && what.startsWith("a payload")) continue;
        plant(planted);
        if (faults(ajv, bus, id, planted).length === 0) summary.push(`${file}: ${what} passes`);
      }
    }
  }
  summary.push(...[...described].map((id) => `${id} is described and has no golden record`));
  const ok = summary.length === 0;
  summary.push(`${files.length} golden records of ${Object.keys(bus.channels).length} topics, ${summary.length} faults`);
  return { ok, summary };
}
