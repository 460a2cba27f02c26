// Starts the demo, visits its page, asks by persisted queries, and ends with 1 when something is not as it should be.

import { ask } from "./apollo.js";
import { visit } from "./browser.js";
import { startDemo } from "./demo.js";

const demo = await startDemo(process.env.CONFORMANCE_PROGRAM);
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => demo.stop().finally(() => process.exit(1)));
}

// What a client sends for the same query twice: once per process of the program it has to bring it.
async function persisted(useGET, expected) {
  const { sent, ok } = await ask(demo.origin, useGET);
  const told = sent.map(({ method, query }) => `${method} ${query ? "query" : "hash"}`).join(", ");
  return ok && told === expected ? [] : [`Apollo Client sent ${told} instead of ${expected}${ok ? "" : ", and had no answer"}`];
}

const faults = [];
try {
  const visited = await visit(demo.origin, process.env.PICTURES);
  faults.push(...visited.faults);
  faults.push(...(await persisted(false, "POST hash, POST query, POST hash")));
  faults.push(...(await persisted(true, "GET hash, GET hash")));
  console.log(`page: ${visited.steps} prepared operations ran in Chromium, pictures in ${process.env.PICTURES}`);
} catch (error) {
  faults.push(error.stack);
} finally {
  await demo.stop();
}
for (const fault of faults) console.log(`page: ${fault}`);
console.log(`${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
