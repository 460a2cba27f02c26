// graphql-codegen makes a typed client of the schema and of sample operations; tsc compiles it with --strict; it then
// books a real trip.

import { cpSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { generate } from "@graphql-codegen/cli";

import { bin, fresh, here, schemaFile } from "../places.js";
import { run } from "../processes.js";

export const name = "graphql-codegen";
export const about = "a client generated from api/schema.graphql, compiled with tsc --strict, run";
export const needsProgram = true;

const SCALARS = { CurrencyCode: "string", Date: "string", DateTime: "string", Position: "string" };
const STRICT = [
  "--strict",
  "--target",
  "es2022",
  "--module",
  "nodenext",
  "--lib",
  "es2023,dom,dom.iterable",
  "--outDir",
];

export async function judge(program) {
  const place = fresh("typed");
  cpSync(join(here, "sample/typed"), place, { recursive: true });
  const files = await generate(
    {
      schema: schemaFile,
      documents: [join(place, "*.ts")],
      cwd: place,
      silent: true,
      generates: {
        "gql/": {
          preset: "client",
          presetConfig: { fragmentMasking: false },
          config: {
            scalars: SCALARS,
            strictScalars: true,
            documentMode: "string",
            useTypeImports: true,
            importExtension: ".js",
          },
        },
      },
    },
    true,
  );
  const compiled = await run(
    bin("tsc"),
    [...STRICT, join(place, "out"), join(place, "client.ts"), join(place, "wrong.ts")],
    {
      cwd: place,
    },
  );
  if (compiled.status !== 0) return { ok: false, summary: [compiled.output, "tsc refuses the generated client"] };
  const { tour } = await import(pathToFileURL(join(place, "out/client.js")));
  const ended = await tour(program.url);
  const told = `${files.length} files generated, compiled with tsc --strict; the trip that the client booked and cancelled is ${ended}`;
  return { ok: ended === "CANCELLED", summary: [told] };
}
