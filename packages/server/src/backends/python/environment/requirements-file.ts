import { createHash, type Hash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const fileName = 'requirements.txt';
/** Beside the file: wheels to install from before the network is asked. */
const wheelsName = 'wheels';

/** Files that a requirements file may include, and these in turn. */
const filesMax = 100;
const include = /^\s*(?:-[rc]\s*|--(?:requirement|constraint)[\s=]\s*)(\S+)/gmu;

/** The requirements of a model, in its version's folder or its own. */
export class RequirementsFile {
  readonly path: string;
  /** A folder of wheels; null where there is none. */
  readonly wheels: string | null;

  private constructor(path: string) {
    this.path = path;
    const wheels = join(dirname(path), wheelsName);
    this.wheels = existsSync(wheels) ? wheels : null;
  }

  /** @returns null for a model without one. */
  static find(directories: readonly string[]): RequirementsFile | null {
    for (const directory of directories) {
      const path = join(directory, fileName);
      if (existsSync(path)) return new RequirementsFile(path);
    }
    return null;
  }

  get directory(): string {
    return dirname(this.path);
  }

  /** The same for files that say the same, wherever they are, to the same interpreter. */
  key(interpreter: string): string {
    const hash = createHash('sha256').update(interpreter);
    this.#addFile(hash, this.path, new Set());
    if (this.wheels !== null) {
      for (const name of readdirSync(this.wheels).sort()) {
        hash.update(`\0${name} ${statSync(join(this.wheels, name)).size}`);
      }
    }
    return `requirements-${hash.digest('hex').slice(0, 32)}`;
  }

  #addFile(hash: Hash, path: string, seen: Set<string>): void {
    if (seen.has(path) || seen.size >= filesMax || !existsSync(path)) return;
    seen.add(path);
    const text = readFileSync(path, 'utf8');
    hash.update(`\0${text}`);
    for (const [, name = ''] of text.matchAll(include)) {
      this.#addFile(hash, resolve(dirname(path), name), seen);
    }
  }
}
