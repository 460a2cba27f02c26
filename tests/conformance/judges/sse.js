// The client of graphql-sse follows trips over text/event-stream, one connection for each operation.

import { createClient } from "graphql-sse";

import { check, expect } from "../checks.js";
import { book, cancel, PROGRESS, same, timeline } from "../trips.js";
import { wireTo } from "../wire.js";

export const name = "graphql-sse";
export const about = "its client follows trips over text/event-stream";
export const needsProgram = true;

const client = (url, options = {}) => createClient({ url, retryAttempts: 0, ...options });
const progress = (id, after) => ({ query: PROGRESS, variables: { id, after } });

async function take(client, operation, wanted, onEach) {
  const taken = [];
  for await (const { data, errors } of client.iterate(operation)) {
    if (errors) throw new Error(JSON.stringify(errors));
    taken.push(data.bookingProgress.position);
    await onEach?.(taken);
    if (taken.length >= wanted()) break;
  }
  return taken;
}

async function followed(program) {
  const id = await book(program, "event stream: followed");
  const past = await timeline(program, id);
  const stream = client(program.url);
  let all = past;
  const taken = await take(
    stream,
    progress(id),
    () => Infinity,
    async (sofar) => {
      if (sofar.length === past.length) all = await timeline(program, id, await cancel(program, id));
    },
  );
  stream.dispose();
  expect(all.length > past.length && same(taken, all), `${taken} is not the timeline ${all}`);
}

async function cutOff(program) {
  const id = await book(program, "event stream: cut off");
  const past = await timeline(program, id);
  const wire = await wireTo(program);
  const broken = await take(
    client(wire.url),
    progress(id),
    () => Infinity,
    (sofar) => sofar.length === past.length && wire.cut(),
  ).then(
    () => false,
    () => true,
  );
  expect(broken, "the client did not notice that the wire was cut");
  const all = await timeline(program, id, await cancel(program, id));
  const missed = await take(client(wire.url), progress(id, past.at(-1)), () => all.length - past.length);
  wire.close();
  expect(same([...past, ...missed], all), `${past} and ${missed} are not the timeline ${all}`);
}

// Before a stream begins a client hears of it by the status, or by an answer that is an error.
async function refused(program) {
  const wrong = await take(client(program.url), { query: "subscription { nothing }" }, () => 1).catch((error) => error);
  const told = wrong.response?.status === 400 || wrong.message?.includes("INVALID_INPUT");
  expect(told, `an unknown field is answered ${wrong.message ?? wrong}`);
}

export async function judge(program) {
  return check({
    "a trip is told from its first event on, goes on live, and completes when nothing can follow": () =>
      followed(program),
    "what happened while the wire was cut is told after it, by `after`": () => cutOff(program),
    "a refused operation says why": () => refused(program),
  });
}
