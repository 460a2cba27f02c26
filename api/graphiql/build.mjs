// Bundles the page into dist: one script, one style sheet, both compressed, and the licences of all that is in them. The same packages
// give the same bytes. With --check nothing is written: it fails when dist differs from what would be.

import { readFile, readdir, rm, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, gunzipSync, gzipSync } from 'node:zlib';

import { build } from 'esbuild';

/** Licences that may be given away in the program. */
const LICENCES = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT'];

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');

/** The library's style sheet carries its fonts, ten times the size of the rest. The page takes the system's. */
const withoutFonts = {
  name: 'without-fonts',
  setup(bundler) {
    bundler.onLoad({ filter: /node_modules\/.*\.css$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(/@font-face\s*\{[^}]*\}/g, ''),
      loader: 'css',
    }));
  },
};

async function bundle() {
  const built = await build({
    absWorkingDir: here,
    alias: { 'react-style-singleton': './src/style_singleton.js' },
    bundle: true,
    charset: 'utf8',
    define: { 'process.env.NODE_ENV': '"production"' },
    entryPoints: { page: 'src/page.jsx' },
    format: 'esm',
    jsx: 'automatic',
    legalComments: 'none',
    metafile: true,
    minify: true,
    outdir: dist,
    plugins: [withoutFonts],
    target: ['chrome111', 'firefox114', 'safari16.4'],
    write: false,
  });
  const files = new Map();
  for (const { path, contents } of built.outputFiles) {
    files.set(`${relative(dist, path)}.gz`, gzipSync(contents, { level: constants.Z_BEST_COMPRESSION }));
  }
  files.set('LICENCES.txt', Buffer.from(await licences(Object.keys(built.metafile.inputs))));
  return files;
}

/** The packages whose code is in the bundle, by name, each with its licence. Equal texts stand once. */
async function licences(inputs) {
  const folders = new Set(inputs.map((path) => path.match(/^(node_modules\/.*node_modules\/|node_modules\/)(@[^/]+\/)?[^/]+/)?.[0]));
  folders.delete(undefined);
  const texts = new Map();
  for (const folder of [...folders].sort()) {
    const said = JSON.parse(await readFile(join(here, folder, 'package.json'), 'utf8'));
    const { name, version, license } = said;
    if (!LICENCES.includes(license)) {
      throw new Error(`${name} ${version} has the licence ${license}: decide whether it may be given away`);
    }
    const file = (await readdir(join(here, folder))).filter((entry) => /^(licen[cs]e|copying)/i.test(entry)).sort()[0];
    const text = file ? await textOf(join(here, folder, file)) : await unwritten(said);
    texts.set(text, [...(texts.get(text) ?? []), `${name} ${version} (${license})`]);
  }
  const parts = [...texts].map(([text, names]) => `${names.join('\n')}\n\n${text}\n`);
  return `The page at /graphql contains these packages.\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

async function textOf(path) {
  return (await readFile(path, 'utf8')).replace(/\r/g, '').trim();
}

/** The licence of a package that names it without bringing its text: the MIT text is that of the project's own licence. */
async function unwritten({ name, license, author, repository }) {
  if (license !== 'MIT') {
    throw new Error(`${name} brings no text of its licence ${license}: add it`);
  }
  const who = author?.name ?? author ?? `the authors of ${repository?.url ?? repository}`;
  return (await textOf(join(here, '../../LICENSE'))).replace(/^Copyright.*$/m, () => `Copyright (c) ${who}`);
}

/** Whether two files say the same; how well they are compressed is up to the machine. */
function same(name, one, other) {
  return name.endsWith('.gz') ? gunzipSync(one).equals(gunzipSync(other)) : one.equals(other);
}

async function differing(files) {
  const kept = await readdir(dist).catch(() => []);
  const names = kept.filter((name) => !files.has(name));
  for (const [name, contents] of files) {
    if (!kept.includes(name) || !same(name, await readFile(join(dist, name)), contents)) {
      names.push(name);
    }
  }
  return names;
}

const files = await bundle();
const changed = await differing(files);
if (process.argv.includes('--check')) {
  for (const name of changed) {
    console.error(`api/graphiql/dist/${name} is not what its sources make: run \`just page\``);
  }
  process.exitCode = changed.length > 0 ? 1 : 0;
} else {
  await mkdir(dist, { recursive: true });
  for (const name of changed) {
    await (files.has(name) ? writeFile(join(dist, name), files.get(name)) : rm(join(dist, name)));
  }
}
for (const [name, contents] of files) {
  console.log(`${name}: ${contents.length} bytes`);
}
