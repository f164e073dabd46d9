// Empty CUDA libraries, for tests of PyTorch without a GPU: the package registry has PyTorch for Linux on x86-64
// only as built for CUDA, and so that it starts, 3 GB of CUDA's libraries must be there, of which nothing runs.
// Each function of these answers 100, cudaErrorNoDevice.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const cudaLibrary = /^lib(cu|nv|nccl)/u;
const cudaName =
  /^(cu[A-Z]|cuda|cufile|cusparse|cublas|cudnn|cusolver|cufft|cupti|nccl|nvrtc|nvJit|nvshmem|__cuda)/u;

function output(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
  return stdout;
}

/** What the libraries of a folder want: names of CUDA's libraries, and of the functions in them. */
function wantedBy(folder) {
  const libraries = new Set();
  const functions = new Set();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.so'))) {
    const path = join(folder, file);
    for (const [, name] of output('readelf', ['-d', path]).matchAll(/NEEDED.*\[(.*)\]/gu)) {
      if (cudaLibrary.test(name)) libraries.add(name);
    }
    for (const symbol of output('nm', ['-D', '--undefined-only', path]).split(/\s+/u)) {
      const [name, version = ''] = symbol.split('@');
      const cuda = version === '' ? cudaName.test(name) : /^lib(cu|nv)|^NVSHMEM/u.test(version);
      if (cuda) functions.add(name);
    }
  }
  return { libraries, functions };
}

function standIn(name) {
  return /GetErrorString$|GetErrorName$/u.test(name)
    ? `const char *${name}(void) { return "no CUDA here"; }\n`
    : `int ${name}(void) { return 100; }\n`;
}

/**
 * Writes the CUDA libraries that the libraries of `folder` want into it. Throws an Error where `cc` or
 * binutils are missing.
 */
export function writeCudaStandIns(folder) {
  const work = mkdtempSync(join(tmpdir(), 'nereid-cuda-'));
  const source = join(work, 'stand-in.c');
  const versions = join(work, 'versions.map');
  try {
    const { libraries, functions } = wantedBy(folder);
    writeFileSync(source, [...functions].map(standIn).join(''));
    for (const library of libraries) {
      const version = library.startsWith('libnvshmem') ? 'NVSHMEM' : library;
      writeFileSync(versions, `${version} { global: *; };\n`);
      const linked = [`-Wl,-soname,${library}`, `-Wl,--version-script=${versions}`];
      const made = ['-shared', '-fPIC', '-w', ...linked, '-o', join(folder, library), source];
      output('cc', made);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
