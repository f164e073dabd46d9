import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const exampleModels = fileURLToPath(new URL('../../examples/models', import.meta.url));

const folders = new Set<string>();
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone when this process ends. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
  folders.add(path);
  return path;
}

/** A repository that holds some of the example models. Gone when this process ends. */
export function exampleRepository(models: readonly string[]): string {
  const path = temporaryFolder();
  for (const model of models) {
    cpSync(join(exampleModels, model), join(path, model), { recursive: true });
  }
  return path;
}

/** A repository of these files: `model/config.pbtxt` and its content. Gone when this process ends. */
export function repositoryOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const path = temporaryFolder();
  for (const [file, content] of Object.entries(files)) {
    const target = join(path, file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
  return path;
}
