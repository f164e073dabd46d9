import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { protoFile, protoFileNames } from '@nereid/protocol';
import { temporaryFolder } from './bench-repository.ts';

/** Triton's .proto files, for clients that read them. @returns their folder, gone when this process ends. */
export function writeProtoFiles(): string {
  const folder = temporaryFolder();
  for (const name of protoFileNames) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), protoFile(name) ?? '');
  }
  return folder;
}
