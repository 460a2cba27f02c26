// Starts the program once, lets every judge speak, prints each one's own summary, and ends with 1 when one of them
// failed.

import * as asyncapi from "./judges/asyncapi.js";
import * as audit from "./judges/audit.js";
import * as breaking from "./judges/breaking.js";
import * as codegen from "./judges/codegen.js";
import * as eslint from "./judges/eslint.js";
import * as page from "./judges/page.js";
import * as relay from "./judges/relay.js";
import * as schemathesis from "./judges/schemathesis.js";
import * as sse from "./judges/sse.js";
import * as websocket from "./judges/websocket.js";
import { Program } from "./program.js";

// Those that read the schema alone come first: they are quick, and need nothing that runs.
const JUDGES = [eslint, asyncapi, breaking, codegen, relay, audit, websocket, sse, page, schemathesis];

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !JUDGES.some((judge) => judge.name === name));
if (unknown.length > 0) {
  console.error(`No judge is called ${unknown.join(", ")}: there are ${JUDGES.map((judge) => judge.name).join(", ")}.`);
  process.exit(2);
}
const judges = JUDGES.filter((judge) => chosen.length === 0 || chosen.includes(judge.name));

// One judge's verdict; one that breaks down has not found the program good.
async function verdict(judge, program) {
  const began = Date.now();
  const { ok, summary } = await judge
    .judge(program)
    .catch((error) => ({ ok: false, summary: [error.stack, `broke down: ${error.message}`] }));
  const alive = !program || program.alive;
  if (!alive) summary.push("the program ended while it was judged; it said last:", program.log);
  return { name: judge.name, ok: ok && alive, summary, seconds: Math.round((Date.now() - began) / 1000) };
}

let program;

async function all() {
  const verdicts = [];
  for (const judge of judges) {
    if (judge.needsProgram) program ??= await Program.start(process.env.CONFORMANCE_PROGRAM);
    console.log(`\n==> ${judge.name}: ${judge.about}`);
    const spoken = await verdict(judge, judge.needsProgram ? program : undefined);
    console.log(spoken.summary.join("\n"));
    verdicts.push(spoken);
  }
  return verdicts;
}

// What was started is stopped, however this ends.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    await program?.stop();
    process.exit(1);
  });
}

const verdicts = await all().finally(() => program?.stop());
console.log("\n==> verdicts");
for (const { name, ok, summary, seconds } of verdicts) {
  console.log(
    `conformance ${ok ? "ok    " : "FAILED"} ${name}: ${summary.at(-1).trimEnd().split("\n").at(-1)} (${seconds} s)`,
  );
}
process.exit(verdicts.every((spoken) => spoken.ok) ? 0 : 1);
