// Bundles each package to dist/ with esbuild: one file a package starts faster than a hundred, and
// a bundle needs no loader for TypeScript. `npm run build:types` writes the declarations beside it.
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { writeLogPlaces } from './log-places.mjs';
import { thirdPartyNotices } from './third-party-notices.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What is published, with the files that are loaded from outside; each lies in its package's dist. */
const targets = [
  { name: 'protocol', entries: ['index', 'data-types', 'schemas'] },
  { name: 'transport', entries: ['index', 'client'] },
  { name: 'native', entries: ['index'] },
  { name: 'client', entries: ['index', 'vlm'] },
  { name: 'client', entries: ['browser', 'http', 'grpc-web'], platform: 'browser' },
  // Its errors are the client's: one class of each, so the client stays a package of its own.
  { name: 'vision', entries: ['index'], apart: ['@nereid/client'] },
  { name: 'model', entries: ['index'] },
  {
    name: 'server',
    entries: [
      'index',
      'main',
      'doctor-main',
      { in: 'src/backends/javascript/thread/thread-main.ts', out: 'model-thread' },
      { in: 'src/backends/javascript/thread/hooks-main.ts', out: 'model-thread-hooks' },
    ],
    // Models and the thread that runs them share one copy of what they import.
    apart: ['@nereid/model'],
    logs: true,
  },
  // By itself, so that the server shares no chunk with it and starts as fast as without it.
  {
    name: 'cli',
    entries: [
      'manage-main',
      'infer-main',
      'models-main',
      'stats-main',
      'types-main',
      'completion-main',
    ],
    outdir: join('packages', 'server', 'dist', 'cli'),
  },
];

/** Native code and its loaders cannot be bundled; the others are loaded only where they are asked for. */
const external = [
  'koffi',
  'onnxruntime-node',
  'onnxruntime-node/*',
  '@redis/client',
  '@huggingface/jinja',
  'sharp',
];

/** protobufjs is CommonJS and asks for its optional parts by require. */
const requireForCommonJs =
  "import { createRequire as nereidRequire } from 'node:module'; const require = nereidRequire(import.meta.url);";

export async function build() {
  const { build: bundle } = await import('esbuild');
  /** What was written, and what from, by folder. */
  const written = new Map();
  const sources = new Map();
  for (const { name, entries, platform = 'node', apart = [], outdir, logs = false } of targets) {
    const folder = join(root, 'packages', name);
    const target = outdir === undefined ? join(folder, 'dist') : join(root, outdir);
    const { metafile } = await bundle({
      absWorkingDir: folder,
      entryPoints: entries.map((entry) =>
        typeof entry === 'string' ? { in: `src/${entry}.ts`, out: entry } : entry,
      ),
      outdir: target,
      bundle: true,
      metafile: true,
      splitting: true,
      format: 'esm',
      platform,
      target: platform === 'node' ? 'node20' : 'es2022',
      conditions: ['nereid-source'],
      external: [...external, ...apart],
      sourcemap: true,
      legalComments: 'none',
      // Less to compile at the start; names stay, for stack traces.
      minifyWhitespace: true,
      minifySyntax: true,
      define: { NEREID_BUNDLED: 'true' },
      banner: platform === 'node' ? { js: requireForCommonJs } : {},
      logLevel: 'warning',
    });
    written.set(target, [...(written.get(target) ?? []), ...Object.keys(metafile.outputs)]);
    const files = filesOf(metafile).map((path) => resolve(folder, path));
    sources.set(target, [...(sources.get(target) ?? []), ...files]);
    if (logs) writeLogPlaces(target, Object.keys(metafile.outputs));
  }
  for (const [target, outputs] of written) removeOldChunks(target, outputs);
  for (const [target, files] of sources) writeNotices(target, files);
  copyPythonWorker();
}

/** Files of which something is in the bundle; most of what is looked at is not. */
function filesOf({ outputs }) {
  return Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? path : [])),
  );
}

function writeNotices(folder, files) {
  const target = join(folder, 'THIRD-PARTY-NOTICES.txt');
  const notices = thirdPartyNotices(files);
  if (notices === null) rmSync(target, { force: true });
  else writeFileSync(target, notices);
}

/** The names of chunks hold a hash: each build that changes something leaves the old ones behind. */
function removeOldChunks(target, outputs) {
  const kept = new Set(outputs.map((path) => basename(path)));
  for (const name of readdirSync(target)) {
    if (/\.js(\.map)?$/u.test(name) && !kept.has(name)) rmSync(join(target, name));
  }
}

/** The Python worker travels with the package: the bundle looks for it beside itself. */
function copyPythonWorker() {
  const target = join(root, 'packages', 'server', 'dist', 'python');
  rmSync(target, { recursive: true, force: true });
  for (const part of ['nereid_worker', 'triton_python_backend_utils.py', 'backends']) {
    cpSync(join(root, 'python', part), join(target, part), {
      recursive: true,
      filter: (path) => !path.includes('__pycache__'),
    });
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await build();
}
