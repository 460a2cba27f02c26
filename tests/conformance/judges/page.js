// The page at /graphql in Chromium, and Apollo Client's persisted queries. They stand in a folder of their own with their own packages, and
// have the demo's catalogue, which the prepared operations are about.

import { join } from "node:path";

import { here } from "../places.js";
import { run } from "../processes.js";

export const name = "page";
export const about = "GraphiQL in a headless Chromium, persisted queries of Apollo Client";
export const needsProgram = false;

const ENDS_WITHIN_MS = 600_000;

export async function judge() {
  const { status, output } = await run(join(here, "page/run"), [], { withinMs: ENDS_WITHIN_MS });
  return { ok: status === 0, summary: output.trimEnd().split("\n") };
}
