// Compares the schema with the one of the last release: what would break a client's operations fails.

import { readFileSync } from "node:fs";

import { buildASTSchema, buildSchema, findBreakingChanges, findDangerousChanges, Kind, parse, visit } from "graphql";

import { releasedFile, schemaFile } from "../places.js";

export const name = "breaking-changes";
export const about = "graphql-js, api/schema.graphql against api/schema.released.graphql";
export const needsProgram = false;

const told = (change) => `${change.type}: ${change.description}`;

// A judge that cannot fail is none: each of these changes to the released schema must be found.
const within = (type, field, change) => (document) =>
  visit(document, {
    FieldDefinition: (node, _key, _parent, _path, ancestors) =>
      ancestors.at(-1)?.name?.value === type && node.name.value === field ? change(node) : undefined,
  });
const CHANGES = {
  "a removed field": within("Booking", "sagaStatus", () => null),
  "a field that may be null now": within("Booking", "total", (node) => ({ ...node, type: node.type.type })),
  "a required argument": within("Query", "hotel", (node) => ({
    ...node,
    arguments: [...node.arguments, { ...node.arguments[0], name: { kind: Kind.NAME, value: "more" } }],
  })),
};

function unseenChanges(released) {
  const document = parse(released);
  const before = buildASTSchema(document);
  return Object.keys(CHANGES).filter(
    (what) => findBreakingChanges(before, buildASTSchema(CHANGES[what](document))).length !== 1,
  );
}

export async function judge() {
  const released = readFileSync(releasedFile, "utf8");
  const before = buildSchema(released);
  const now = buildSchema(readFileSync(schemaFile, "utf8"));
  const breaking = findBreakingChanges(before, now).map(told);
  const dangerous = findDangerousChanges(before, now).map(told);
  const unseen = unseenChanges(released);
  const planted = Object.keys(CHANGES).length;
  const summary = [
    ...breaking.map((change) => `breaking: ${change}`),
    ...dangerous.map((change) => `for clients to know: ${change}`),
    ...unseen.map((what) => `the judge does not see ${what}`),
    `${breaking.length} breaking changes, ${dangerous.length} to know of; ${planted - unseen.length} of ${planted} planted ones found`,
  ];
  return { ok: breaking.length === 0 && unseen.length === 0, summary };
}
