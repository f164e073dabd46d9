/** What the bytes of a file must add up to. */
export interface Checksum {
  /** `git-sha1` is Git's name of a blob: SHA-1 with a header before the content. */
  readonly algorithm: 'sha256' | 'md5' | 'git-sha1';
  /** In lower-case hexadecimal digits. */
  readonly digest: string;
}

/** A file that can be fetched, also from its middle on. */
export interface RemoteFile {
  /** Where it comes from, for messages: without credentials. */
  readonly from: string;
  /** Where it goes, below the model's file or folder; '' is the single file itself. */
  readonly path: string;
  /** null when only its first answer tells. */
  readonly size: number | null;
  /** null when nobody says. */
  readonly checksum: Checksum | null;
  /**
   * Asks for the bytes from `offset` on. What comes may nevertheless be the whole file.
   * @throws DownloadError
   */
  open(offset: number, signal: AbortSignal): Promise<RemoteContent>;
}

/** The answer to `open`. */
export interface RemoteContent {
  /** Where `bytes` begin in the file: the offset that was asked for, or 0. */
  readonly offset: number;
  /** Size of the whole file; null when the source does not say. */
  readonly total: number | null;
  /** Differs when the file has changed; null when the source does not say. */
  readonly validator: string | null;
  readonly checksum: Checksum | null;
  /** To be read to its end, or given back by `return`, also where nothing was read. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Why a file, or the list of a folder, could not be fetched. */
export class DownloadError extends Error {
  /** Whether it may go better the next time. */
  readonly isTemporary: boolean;
  /** How long the source asks to wait, in milliseconds; null when it does not. */
  readonly retryAfterMs: number | null;

  constructor(
    message: string,
    options: { isTemporary: boolean; retryAfterMs?: number | null; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.name = 'DownloadError';
    this.isTemporary = options.isTemporary;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** Where a model's files lie: one file, or a folder of them. */
export interface Location {
  readonly from: string;
  file(): RemoteFile;
  /** The files of the folder. @throws DownloadError, also where folders cannot be listed. */
  list(signal: AbortSignal): Promise<RemoteFile[]>;
  /** A file of the folder by its name. */
  fileAt(path: string): RemoteFile;
}

/** More files than any model has. */
const listedFilesMax = 100_000;

/** Sources list a thousand files a page: with so many pages they name other things, or nothing, without an end. */
const listedPagesMax = 1000;

/** @throws DownloadError where a source lists more than any model has. */
export function checkListed(from: string, fileCount: number, pageCount: number): void {
  const excess =
    fileCount > listedFilesMax
      ? `holds more than ${listedFilesMax} files`
      : pageCount > listedPagesMax
        ? `is listed on more than ${listedPagesMax} pages: name the files that the model needs`
        : null;
  if (excess !== null) throw new DownloadError(`${from} ${excess}`, { isTemporary: false });
}
