// A token that is typed under Headers goes with every request of the page, by POST and over WebSockets, and stays nowhere.

import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { promisify } from "node:util";

import { ours } from "./demo.js";
import { run } from "./steps.js";

const TAKEN_OVER_WITHIN_MS = 1_000;
const STEP = "Look at its process manager";

// What each step answers whom: the rights of the token that is typed in its tab, and the code of the error; none when it is answered. Where
// nothing is typed the last token holds.
const RIGHTS = [
  [STEP, ["supply:write"], "FORBIDDEN"],
  ["How read models do", undefined, "FORBIDDEN"],
  [STEP, ["operations"], undefined],
  ["Follow it", ["supply:write"], "FORBIDDEN"],
  ["Follow it", ["bookings:read"], "NOT_FOUND"],
  ["Follow it", ["operations"], undefined],
];

async function made(scopes) {
  const args = ["token", "--json", "--as", "visitor@example.com", "--scope", ...scopes];
  const { stdout } = await promisify(execFile)(process.env.CONFORMANCE_PROGRAM, args, { cwd: tmpdir(), env: ours });
  return JSON.parse(stdout).token;
}

// Opens a step and types into the header editor of its tab.
async function type(page, step, text) {
  await page.locator(".first-steps-open", { hasText: step }).click();
  await page.getByRole("button", { name: "Headers" }).click();
  await page.locator(".graphiql-editor-tool .CodeMirror:visible").click();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.press("Delete");
  await page.keyboard.insertText(text);
  // GraphiQL takes it over into the open tab a moment later. Timers of a page go off in their order, however slow it is.
  await page.evaluate((ms) => new Promise((resolve) => setTimeout(resolve, ms)), TAKEN_OVER_WITHIN_MS);
}

// Chromium tells of every answer with an error's status in its console.
function withoutRefusals(faults, from) {
  const others = faults.splice(from).filter((fault) => !/^console: .*status of 403/.test(fault));
  faults.push(...others);
}

export async function withTokens(page, faults) {
  const from = faults.length;
  const wrong = [];
  const check = async (step, who, expected) => {
    const { data, errors } = await run(page, step);
    const code = errors?.[0]?.extensions?.code;
    if (code !== expected || (!expected && !data)) wrong.push(`${step} with ${who}: ${JSON.stringify(errors ?? data)}`);
  };
  for (const [step, scopes, expected] of RIGHTS) {
    const token = scopes && (await made(scopes));
    if (token) await type(page, step, JSON.stringify({ Authorization: `Bearer ${token}` }));
    await check(step, scopes?.join(" ") ?? "the last token", expected);
    const kept = await page.evaluate(() => Object.entries({ ...window.localStorage, ...window.sessionStorage }));
    const places = kept.filter(([, text]) => text.includes("Bearer") || text.includes(token)).map(([name]) => name);
    if (places.length > 0) wrong.push(`${step}: the browser keeps a token as ${places.join(", ")}`);
  }
  await type(page, STEP, '{ "Authorization": "" }');
  await check(STEP, "no token", undefined);
  withoutRefusals(faults, from);
  return wrong;
}
