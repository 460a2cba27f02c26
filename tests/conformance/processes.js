// Child processes: what they said and how they ended.

import { spawn } from "node:child_process";

const COLOURS = /\x1b\[[0-9;]*m/g;

// Runs a program to its end and gives back what it said. One that runs longer than it may is stopped and counts as
// failed.
export function run(program, args, { cwd, env, withinMs = 300_000 } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const take = (chunk) => {
      output += String(chunk).replace(COLOURS, "");
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const overdue = setTimeout(() => {
      output += `\nstopped after ${withinMs} ms\n`;
      child.kill("SIGKILL");
    }, withinMs);
    child.on("error", (error) => (output += String(error)));
    child.on("close", (status) => {
      clearTimeout(overdue);
      resolve({ status: status ?? 1, output });
    });
  });
}

export const lastLines = (text, count) => text.trimEnd().split("\n").slice(-count).join("\n");
