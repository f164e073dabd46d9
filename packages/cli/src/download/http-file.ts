import { fetchBytes, type HttpAccess, type HttpFetched, shown } from './http-fetch.ts';
import {
  type Checksum,
  DownloadError,
  type RemoteContent,
  type RemoteFile,
} from './remote-file.ts';

/** What a source says of a file in its headers, beyond what HTTP does. */
export type ChecksumOfHeaders = (fetched: HttpFetched) => Checksum | null;

/** A file behind a URL. */
export class HttpFile implements RemoteFile {
  readonly from: string;
  readonly path: string;
  readonly size: number | null;
  readonly checksum: Checksum | null;
  readonly #url: URL;
  readonly #access: HttpAccess;
  readonly #checksumOf: ChecksumOfHeaders;

  constructor(options: {
    url: string | URL;
    path: string;
    access: HttpAccess;
    from?: string;
    size?: number | null;
    checksum?: Checksum | null;
    checksumOf?: ChecksumOfHeaders;
  }) {
    this.#url = new URL(options.url);
    this.path = options.path;
    this.from = options.from ?? shown(this.#url);
    this.size = options.size ?? null;
    this.checksum = options.checksum ?? null;
    this.#access = options.access;
    this.#checksumOf = options.checksumOf ?? (() => null);
  }

  async open(offset: number, signal: AbortSignal): Promise<RemoteContent> {
    const range = offset > 0 ? `bytes=${offset}-` : null;
    const fetched = await fetchBytes(this.#url, this.#access, signal, range);
    const content = this.#contentOf(fetched, offset);
    if (content?.bytes !== fetched.bytes) await fetched.bytes.return();
    if (content !== null) return content;
    if (offset === 0) {
      throw new DownloadError(
        `${this.from} answered ${fetched.status}, though no part was asked for`,
        { isTemporary: false },
      );
    }
    // Not what was asked for: the whole file then.
    return this.open(0, signal);
  }

  /** Null when what came is not what was asked for. */
  #contentOf(fetched: HttpFetched, offset: number): RemoteContent | null {
    const { status, headers, bytes } = fetched;
    const about = { validator: validatorOf(fetched), checksum: this.#checksumOf(fetched) };
    if (status === 200) {
      return { ...about, offset: 0, total: wholeNumber(headers.get('content-length')), bytes };
    }
    const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/u.exec(headers.get('content-range') ?? '');
    const total = wholeNumber(range?.[2] ?? null);
    if (status === 416 && offset > 0) {
      // Nothing is missing: the part is the file, or it was of an older one and is too long.
      return total === offset ? { ...about, offset, total, bytes: nothing() } : null;
    }
    if (status === 206 && offset > 0 && Number(range?.[1] ?? Number.NaN) === offset) {
      return { ...about, offset, total, bytes };
    }
    return null;
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** A strong entity tag, else the date: what is weak may mean other bytes. RFC 9110 section 8.8. */
function validatorOf({ headers, firstHeaders }: HttpFetched): string | null {
  const tag = firstHeaders.get('x-linked-etag') ?? headers.get('etag');
  if (tag !== null && !tag.startsWith('W/')) return tag;
  return headers.get('last-modified');
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/u.test(text) ? Number(text) : null;
}
