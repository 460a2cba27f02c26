// The client of graphql-ws follows trips over graphql-transport-ws: from the log and live, cut off, reconnected, resumed.

import { createClient } from "graphql-ws";
import WebSocket from "ws";

import { check, expect } from "../checks.js";
import { book, cancel, PROGRESS, same, timeline } from "../trips.js";
import { wireTo } from "../wire.js";

export const name = "graphql-ws";
export const about = "its client follows trips over WebSocket";
export const needsProgram = true;

const KEEP_ALIVE_MS = 200;
const PONGS = 3;

const client = (url, options = {}) => createClient({ url, webSocketImpl: WebSocket, ...options });
const progress = (id, after) => ({ query: PROGRESS, variables: { id, after } });

// Takes what comes until there is as much as wanted, and tells each on arrival.
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
  const id = await book(program, "websocket: followed");
  const past = await timeline(program, id);
  const socket = client(program.socketUrl);
  let all = past;
  const taken = await take(
    socket,
    progress(id),
    () => Infinity,
    async (sofar) => {
      if (sofar.length === past.length) all = await timeline(program, id, await cancel(program, id));
    },
  );
  await socket.dispose();
  expect(all.length > past.length && same(taken, all), `${taken} is not the timeline ${all}`);
}

async function resumed(program) {
  const id = await book(program, "websocket: resumed");
  const all = await timeline(program, id);
  const half = Math.floor(all.length / 2);
  const socket = client(program.socketUrl);
  const first = await take(socket, progress(id), () => half);
  const rest = await take(socket, progress(id, first.at(-1)), () => all.length - half);
  await socket.dispose();
  expect(same([...first, ...rest], all), `${first} and ${rest} are not the timeline ${all}`);
}

async function cutOff(program) {
  const id = await book(program, "websocket: cut off");
  const past = await timeline(program, id);
  const wire = await wireTo(program);
  const socket = client(wire.socketUrl, { retryAttempts: 0 });
  let last;
  const broken = await take(
    socket,
    progress(id),
    () => Infinity,
    (sofar) => {
      last = sofar.at(-1);
      if (sofar.length === past.length) wire.cut();
    },
  ).then(
    () => false,
    () => true,
  );
  expect(broken, "the client did not notice that the wire was cut");
  const all = await timeline(program, id, await cancel(program, id));
  const again = client(wire.socketUrl);
  const missed = await take(again, progress(id, last), () => all.length - past.length);
  await again.dispose();
  wire.close();
  expect(same([...past, ...missed], all), `${past} and ${missed} are not the timeline ${all}`);
}

async function reconnected(program) {
  const id = await book(program, "websocket: reconnected");
  const past = await timeline(program, id);
  const wire = await wireTo(program);
  let connections = 0;
  const socket = client(wire.socketUrl, {
    retryAttempts: 5,
    retryWait: async () => {},
    shouldRetry: () => true,
    on: { connected: () => (connections += 1) },
  });
  const taken = await take(
    socket,
    progress(id),
    () => 2 * past.length,
    (sofar) => sofar.length === past.length && connections === 1 && wire.cut(),
  );
  await socket.dispose();
  wire.close();
  expect(connections === 2, `${connections} connections`);
  expect(same(taken, [...past, ...past]), `after the reconnection ${taken}`);
}

async function kept(program) {
  let pongs = 0;
  let heard, failed;
  const enough = new Promise((resolve, reject) => ([heard, failed] = [resolve, reject]));
  const socket = client(program.socketUrl, {
    lazy: false,
    retryAttempts: 0,
    onNonLazyError: failed,
    keepAlive: KEEP_ALIVE_MS,
    on: { pong: (received) => received && ++pongs === PONGS && heard() },
  });
  await enough;
  await socket.dispose();
}

async function refused(program) {
  const id = await book(program, "websocket: refused");
  const socket = client(program.socketUrl);
  const wrong = await take(socket, { query: "subscription { nothing }" }, () => 1).catch((errors) => errors);
  const code = wrong?.[0]?.extensions?.code;
  expect(code === "INVALID_INPUT", `an unknown field is answered ${JSON.stringify(wrong)}`);
  const taken = await take(socket, progress(id), () => 1);
  await socket.dispose();
  expect(taken.length === 1, "the connection did not outlive a refused operation");
}

async function many(program) {
  const ids = [];
  for (let n = 0; n < 5; n += 1) ids.push(await book(program, `websocket: many ${n}`));
  const socket = client(program.socketUrl);
  const follow = async (id) => {
    const all = await timeline(program, id);
    const taken = await take(socket, progress(id), () => all.length);
    expect(same(taken, all), `${taken} is not the timeline ${all}`);
  };
  await Promise.all(ids.map(follow));
  await socket.dispose();
}

export async function judge(program) {
  return check({
    "a trip is told from its first event on, goes on live, and completes when nothing can follow": () =>
      followed(program),
    "a subscription with `after` goes on behind it, without a gap or a repeat": () => resumed(program),
    "what happened while the wire was cut is told after it": () => cutOff(program),
    "the client reconnects by itself and is told the whole again": () => reconnected(program),
    "a ping is answered": () => kept(program),
    "a refused operation says why and leaves the connection": () => refused(program),
    "five trips are followed over one connection": () => many(program),
  });
}
