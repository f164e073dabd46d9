import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  checkListed,
  DownloadError,
  type Location,
  type RemoteContent,
  type RemoteFile,
} from './remote-file.ts';

/** A file or folder of this machine, or of one that is mounted. */
export class FileLocation implements Location {
  readonly from: string;

  /** @param url As `file:///data/model.onnx`, or `file:model.onnx` from `folder` on. */
  constructor(url: string, folder: string) {
    this.from = /^file:\/\//u.test(url)
      ? fileURLToPath(url)
      : resolve(folder, decodeURIComponent(url.slice('file:'.length)));
  }

  file(): RemoteFile {
    return new LocalFile(this.from, '');
  }

  fileAt(path: string): RemoteFile {
    return new LocalFile(join(this.from, path), path);
  }

  async list(): Promise<RemoteFile[]> {
    const entries = await readdir(this.from, { recursive: true, withFileTypes: true }).catch(
      (error: NodeJS.ErrnoException) => {
        throw unreadable(error);
      },
    );
    checkListed(this.from, entries.length, 1);
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = relative(this.from, join(entry.parentPath, entry.name));
        return this.fileAt(path.split(sep).join('/'));
      });
  }
}

class LocalFile implements RemoteFile {
  readonly from: string;
  readonly path: string;
  readonly size = null;
  readonly checksum = null;

  constructor(from: string, path: string) {
    this.from = from;
    this.path = path;
  }

  async open(offset: number, signal: AbortSignal): Promise<RemoteContent> {
    const found = await stat(this.from).catch((error: NodeJS.ErrnoException) => {
      throw unreadable(error);
    });
    if (!found.isFile()) {
      throw new DownloadError(`${this.from} is a folder: list it with type = 'directory'`, {
        isTemporary: false,
      });
    }
    const from = offset <= found.size ? offset : 0;
    return {
      offset: from,
      total: found.size,
      validator: `${found.mtimeMs}`,
      checksum: null,
      bytes: piecesOf(this.from, from, signal),
    };
  }
}

/** The file is not opened before somebody reads. */
async function* piecesOf(
  path: string,
  start: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path, { start, signal });
}

function unreadable(error: NodeJS.ErrnoException): DownloadError {
  return new DownloadError(error.message, { isTemporary: false, cause: error });
}
