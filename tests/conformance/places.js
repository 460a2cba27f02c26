// Where everything lies.

import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const here = dirname(fileURLToPath(import.meta.url));
export const root = join(here, "../..");
export const schemaFile = join(root, "api/schema.graphql");
export const busFile = join(root, "api/asyncapi.yaml");
export const recordsDirectory = join(root, "domain/messages");
export const releasedFile = join(root, "api/schema.released.graphql");

// Where Python's packages lie: thrown away with the build.
export const python = join(process.env.CONFORMANCE_WORK ?? join(root, "target/conformance"), "python/bin");

// A new directory for what a judge makes. Beside node_modules, so that generated code finds its packages.
export function fresh(name) {
  const place = join(here, ".build", name);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  return place;
}

// A program that npm installed.
export const bin = (name) => join(here, "node_modules/.bin", name);
