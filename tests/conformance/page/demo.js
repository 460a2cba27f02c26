// The real program as a newcomer starts it: `demo --serve`, with a private Postgres in an empty directory and the whole catalogue.

import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:net";

const STARTS_WITHIN_MS = 180_000;
const STOPS_WITHIN_MS = 60_000;

// Settings of whoever runs this are not those that are judged.
export const ours = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => name !== "DATABASE_URL" && !name.startsWith("TRAVELADVISOR_")),
);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A port that was free a moment ago: `demo` tells only in words where it listens.
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export async function startDemo(binary) {
  const directory = mkdtempSync(join(tmpdir(), "traveladvisor-page."));
  // The private Postgres of root runs as another user.
  chmodSync(directory, 0o755);
  const origin = `http://127.0.0.1:${await freePort()}`;
  const args = ["demo", "--serve", "--json", "--listen", origin.slice("http://".length), "--data-dir", join(directory, "data")];
  const child = spawn(binary, args, { cwd: directory, env: ours, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let booked = false;
  child.stderr.on("data", (chunk) => (said += chunk));
  child.stdout.on("data", () => (booked = true));

  async function stop() {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const overdue = setTimeout(() => child.kill("SIGKILL"), STOPS_WITHIN_MS);
      await ended;
      clearTimeout(overdue);
    }
    rmSync(directory, { recursive: true, force: true });
  }

  // It prints its report once the demo's trips are booked and checked; from then on it only serves.
  const until = Date.now() + STARTS_WITHIN_MS;
  while (!(booked && (await fetch(`${origin}/health/ready`).catch(() => undefined))?.ok)) {
    if (Date.now() > until || child.exitCode !== null) {
      await stop();
      throw new Error(`the demo did not start:\n${said}`);
    }
    await pause(200);
  }
  return { origin, stop };
}
