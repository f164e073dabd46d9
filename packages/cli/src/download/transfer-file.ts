import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  type Checksum,
  DownloadError,
  type RemoteContent,
  type RemoteFile,
} from './remote-file.ts';

/** Attempts in a row that bring nothing new. */
const fruitlessAttemptsMax = 5;
/** All attempts at one file: a source that breaks off every few bytes is no source. */
const attemptsMax = 100;
const firstDelayMs = 500;
const delayMsMax = 30_000;

/** What a transfer tells and needs while it goes on. */
export interface TransferHooks {
  readonly signal: AbortSignal;
  /** How much of the file is there; `total` is null while nobody has told. */
  progress(bytes: number, total: number | null): void;
  /** An attempt failed, and another follows after `delayMs`. */
  retrying(error: DownloadError, delayMs: number): void;
  /** Rejects when the signal is aborted. */
  wait(ms: number): Promise<void>;
}

/** What is known of the bytes that an earlier attempt left. */
interface PartState {
  readonly from: string;
  readonly validator: string;
}

/**
 * Fetches a file to `target`, which must be one that nobody else reads yet. What is there already from an
 * attempt before, of this process or another, is gone on with where the source says that the file is still the
 * same. The file is whole, verified and on the disk when this returns.
 * @param expected A checksum that the user has stated; the source's own otherwise.
 * @throws DownloadError; what has come so far stays, unless it is wrong.
 */
export async function transferFile(
  remote: RemoteFile,
  target: string,
  expected: Checksum | null,
  hooks: TransferHooks,
): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  let fruitless = 0;
  for (let attempt = 1; ; attempt++) {
    const before = await sizeOf(target);
    try {
      await new Attempt(remote, target, expected, hooks).run();
      await rm(statePath(target), { force: true });
      return;
    } catch (error) {
      hooks.signal.throwIfAborted();
      if (!(error instanceof DownloadError) || !error.isTemporary) throw error;
      fruitless = (await sizeOf(target)) > before ? 0 : fruitless + 1;
      if (fruitless >= fruitlessAttemptsMax || attempt >= attemptsMax) {
        throw new DownloadError(`${error.message}; gave up after ${attempt} attempts`, {
          isTemporary: false,
          cause: error,
        });
      }
      const delayMs = error.retryAfterMs ?? backoffMs(fruitless);
      hooks.retrying(error, delayMs);
      await hooks.wait(delayMs);
    }
  }
}

/** Doubles, with half of it by chance so that many do not come back at once. */
function backoffMs(fruitless: number): number {
  const full = Math.min(delayMsMax, firstDelayMs * 2 ** fruitless);
  return full * (0.5 + Math.random() / 2);
}

/** One try at a file. */
class Attempt {
  readonly #remote: RemoteFile;
  readonly #target: string;
  readonly #expected: Checksum | null;
  readonly #hooks: TransferHooks;

  constructor(remote: RemoteFile, target: string, expected: Checksum | null, hooks: TransferHooks) {
    this.#remote = remote;
    this.#target = target;
    this.#expected = expected;
    this.#hooks = hooks;
  }

  async run(): Promise<void> {
    const state = await this.#state();
    const have = state === null ? 0 : await sizeOf(this.#target);
    const content = await this.#open(have, state);
    try {
      await this.#store(content);
    } finally {
      await giveBack(content);
    }
  }

  async #store(content: RemoteContent): Promise<void> {
    const { offset } = content;
    const handle = await open(this.#target, offset > 0 ? 'r+' : 'w');
    try {
      await this.#remember(content);
      const total = content.total ?? this.#remote.size;
      this.#checkTotal(content.total);
      const { hash, checksum } = await this.#hash(content, total);
      const bytes = await this.#write(content, handle, hash, total);
      if (total !== null && bytes < total) {
        throw new DownloadError(`${this.#remote.from} broke off after ${bytes} of ${total} bytes`, {
          isTemporary: true,
        });
      }
      await handle.truncate(bytes);
      await handle.sync();
      if (checksum !== null) await this.#verify(checksum, hash?.digest('hex') ?? '', offset > 0);
    } finally {
      await handle.close();
    }
  }

  /** Null when what is there may be of another file, or of an older one. */
  async #state(): Promise<PartState | null> {
    try {
      const state = JSON.parse(await readFile(statePath(this.#target), 'utf8')) as PartState;
      return state.from === this.#remote.from ? state : null;
    } catch {
      return null;
    }
  }

  async #remember({ validator }: RemoteContent): Promise<void> {
    const path = statePath(this.#target);
    if (validator === null) return rm(path, { force: true });
    const state: PartState = { from: this.#remote.from, validator };
    await writeFile(path, JSON.stringify(state));
  }

  /** The rest of the file; all of it when it has changed since. */
  async #open(have: number, state: PartState | null): Promise<RemoteContent> {
    const { signal } = this.#hooks;
    const content = await this.#remote.open(have, signal);
    if (content.offset === 0 || content.validator === state?.validator) return content;
    await giveBack(content);
    return this.#remote.open(0, signal);
  }

  #checkTotal(total: number | null): void {
    const { size, from } = this.#remote;
    if (total === null || size === null || total === size) return;
    throw new DownloadError(
      `${from} has ${total} bytes, but was listed with ${size}: it has changed`,
      {
        isTemporary: false,
      },
    );
  }

  /** What has to be added up, with the bytes that are there already. */
  async #hash(
    content: RemoteContent,
    total: number | null,
  ): Promise<{ hash: Hash | null; checksum: Checksum | null }> {
    const checksum = this.#expected ?? this.#remote.checksum ?? content.checksum;
    // Git's name of a file begins with its size.
    if (checksum === null || (checksum.algorithm === 'git-sha1' && total === null)) {
      return { hash: null, checksum: null };
    }
    const hash = createHash(checksum.algorithm === 'git-sha1' ? 'sha1' : checksum.algorithm);
    if (checksum.algorithm === 'git-sha1') hash.update(`blob ${total}\0`);
    if (content.offset > 0) {
      const there = createReadStream(this.#target, { end: content.offset - 1 });
      for await (const chunk of there) hash.update(chunk as Buffer);
    }
    return { hash, checksum };
  }

  /** @returns how many bytes the file has then. */
  async #write(
    content: RemoteContent,
    handle: FileHandle,
    hash: Hash | null,
    total: number | null,
  ): Promise<number> {
    let at = content.offset;
    this.#hooks.progress(at, total);
    for await (const chunk of content.bytes) {
      if (total !== null && at + chunk.byteLength > total) {
        await this.#forget();
        throw new DownloadError(
          `${this.#remote.from} sent more than the ${total} bytes it announced`,
          {
            isTemporary: true,
          },
        );
      }
      hash?.update(chunk);
      await writeAll(handle, chunk, at);
      at += chunk.byteLength;
      this.#hooks.progress(at, total);
    }
    return at;
  }

  async #verify(checksum: Checksum, found: string, resumed: boolean): Promise<void> {
    if (found === checksum.digest) return;
    await this.#forget();
    throw new DownloadError(
      `${this.#remote.from} has the ${checksum.algorithm} ${found} instead of ${checksum.digest}`,
      // A part of before may have been wrong: once more, from the start.
      { isTemporary: resumed },
    );
  }

  /** The next attempt begins at the start. */
  async #forget(): Promise<void> {
    await rm(statePath(this.#target), { force: true });
    await rm(this.#target, { force: true });
  }
}

/** Nothing more is read of it, if anything was. */
async function giveBack({ bytes }: RemoteContent): Promise<void> {
  await bytes[Symbol.asyncIterator]().return?.();
}

async function writeAll(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    const rest = chunk.byteLength - done;
    done += (await handle.write(chunk, done, rest, position + done)).bytesWritten;
  }
}

function statePath(target: string): string {
  return `${target}.part.json`;
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}
