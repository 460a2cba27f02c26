// The real program, as a user starts it: a private Postgres in an empty directory, a small catalogue, the sandbox's
// gateway.

import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { here } from "./places.js";
import { lastLines, run } from "./processes.js";

const STARTS_WITHIN_MS = 120_000;
const STOPS_WITHIN_MS = 60_000;
const CATALOGUE_FILE = join(here, "catalogue.jsonl");
const CATALOGUE = readFileSync(CATALOGUE_FILE, "utf8");
const CLOCK = "2024-12-01";

// Settings of whoever runs this are not those that are judged.
const UNSET = Object.fromEntries(
  ["DATABASE_URL", ...Object.keys(process.env).filter((name) => name.startsWith("TRAVELADVISOR_"))].map((name) => [
    name,
    undefined,
  ]),
);

export class Program {
  #child;
  #directory;
  #said = "";

  // Imports the catalogue, serves it and waits until it is ready.
  static async start(binary) {
    const program = new Program();
    program.#directory = mkdtempSync(join(tmpdir(), "traveladvisor-conformance."));
    // The private Postgres of root runs as another user.
    chmodSync(program.#directory, 0o755);
    try {
      await program.#serve(binary);
      return program;
    } catch (error) {
      await program.stop();
      throw error;
    }
  }

  async #serve(binary) {
    const data = ["--data-dir", join(this.#directory, "data")];
    const imported = await run(binary, ["catalog", "import", CATALOGUE_FILE, ...data], {
      cwd: this.#directory,
      env: UNSET,
      withinMs: STARTS_WITHIN_MS,
    });
    if (imported.status !== 0) throw new Error(`the catalogue was not imported:\n${imported.output}`);
    this.#child = spawn(binary, ["serve", "--json", "--listen", "127.0.0.1:0", "--clock", CLOCK, ...data], {
      cwd: this.#directory,
      env: { ...process.env, ...UNSET },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stderr.on("data", (chunk) => (this.#said += chunk));
    this.origin = (await this.#banner()).url;
    this.url = `${this.origin}/graphql`;
    this.socketUrl = this.url.replace("http:", "ws:");
    await this.#ready();
  }

  // It prints one line once it listens.
  #banner() {
    return new Promise((resolve, reject) => {
      const overdue = setTimeout(() => reject(new Error(`it did not start:\n${this.#said}`)), STARTS_WITHIN_MS);
      createInterface({ input: this.#child.stdout }).once("line", (line) => {
        clearTimeout(overdue);
        resolve(JSON.parse(line));
      });
      this.#child.once("exit", (status) => reject(new Error(`it ended with ${status}:\n${this.#said}`)));
    });
  }

  async #ready() {
    const until = Date.now() + STARTS_WITHIN_MS;
    while (Date.now() < until) {
      const answer = await fetch(`${this.origin}/health/ready`).catch(() => undefined);
      if (answer?.ok && (await this.#catalogueIsRead())) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`it never was ready:\n${this.#said}`);
  }

  // Read models follow the log a moment later.
  async #catalogueIsRead() {
    const all =
      "{ hotels(filter: {}) { nodes { id } } flights(filter: {}) { nodes { id } } cars(filter: {}) { nodes { id } } }";
    const { hotels, flights, cars } = await this.ask(all);
    return hotels.nodes.length + flights.nodes.length + cars.nodes.length === CATALOGUE.trim().split("\n").length;
  }

  // The data of a request that must not fail.
  async ask(query, variables = {}) {
    const answer = await fetch(this.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await answer.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  }

  // Whether it still runs, and what it logged last.
  get alive() {
    return this.#child?.exitCode === null && this.#child?.signalCode === null;
  }

  get log() {
    return lastLines(this.#said, 40);
  }

  // Tells it to stop, waits for it, and takes its directory away.
  async stop() {
    if (this.alive) {
      const ended = new Promise((resolve) => this.#child.once("exit", resolve));
      this.#child.kill("SIGTERM");
      const overdue = setTimeout(() => this.#child.kill("SIGKILL"), STOPS_WITHIN_MS);
      await ended;
      clearTimeout(overdue);
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
