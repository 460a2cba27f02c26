// relay-compiler takes a sample app's operations: fragments, pages behind cursors, refetching by global id, writes,
// subscriptions.

import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { bin, fresh, here, schemaFile } from "../places.js";
import { lastLines, run } from "../processes.js";

export const name = "relay-compiler";
export const about = "the operations of a sample app (tests/conformance/sample/relay)";
export const needsProgram = false;

const ARTIFACT = /\.graphql\.ts$/;

async function compile(place) {
  return run(bin("relay-compiler"), ["relay.config.json"], { cwd: place });
}

export async function judge() {
  const place = fresh("relay");
  cpSync(join(here, "sample/relay"), join(place, "src"), { recursive: true });
  cpSync(schemaFile, join(place, "schema.graphql"));
  const config = { src: "./src", schema: "./schema.graphql", language: "typescript", artifactDirectory: "./artifacts" };
  writeFileSync(join(place, "relay.config.json"), JSON.stringify(config));
  fresh("relay/artifacts");
  const compiled = await compile(place);
  if (compiled.status !== 0) return { ok: false, summary: [compiled.output, "relay-compiler refuses the sample app"] };
  const artifacts = readdirSync(join(place, "artifacts")).filter((file) => ARTIFACT.test(file));
  // Refetching goes by `node` only where Relay understood the type as one of its own.
  const refetch = readFileSync(join(place, "artifacts/BookingCardRefetchQuery.graphql.ts"), "utf8");
  const byNode = /node\(/.test(refetch);
  const told = `${artifacts.length} artifacts; a trip is refetched ${byNode ? "" : "NOT "}by node(id)`;
  return { ok: byNode, summary: [lastLines(compiled.output, 3), told] };
}
