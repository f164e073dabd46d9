import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fetchJson, type HttpAccess, type HttpFetched } from './http-fetch.ts';
import { HttpFile } from './http-file.ts';
import {
  type Checksum,
  checkListed,
  DownloadError,
  type Location,
  type RemoteFile,
} from './remote-file.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface HuggingFacePlace {
  readonly repoId: string;
  readonly revision: string;
  /** The file or folder; '' is the whole repository. */
  readonly path: string;
}

/** An entry of the list of a repository's files. */
interface TreeEntry {
  readonly type: string;
  readonly path: string;
  readonly size: number;
  readonly oid: string;
  readonly lfs?: { readonly oid: string };
}

/** A file or folder in a repository of Hugging Face. */
export class HuggingFaceLocation implements Location {
  readonly from: string;
  readonly #place: HuggingFacePlace;
  readonly #endpoint: string;
  readonly #access: HttpAccess;

  constructor(place: HuggingFacePlace, environment: Environment) {
    this.#place = place;
    this.from = `hf://${place.repoId}@${place.revision}/${place.path}`;
    this.#endpoint = (environment['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/u, '');
    const token = tokenOf(environment);
    this.#access = {
      headers: async () => (token === null ? {} : { authorization: `Bearer ${token}` }),
      hint: `set HF_TOKEN to a token that may read ${place.repoId}, after accepting its terms if it has any`,
    };
  }

  file(): RemoteFile {
    return this.#fileOf(this.#place.path, '', null, null);
  }

  fileAt(path: string): RemoteFile {
    const folder = this.#place.path === '' ? '' : `${this.#place.path}/`;
    return this.#fileOf(folder + path, path, null, null);
  }

  async list(signal: AbortSignal): Promise<RemoteFile[]> {
    const { repoId, revision, path } = this.#place;
    const folder = path === '' ? '' : `${path}/`;
    const below = path === '' ? '' : `/${escapePath(path)}`;
    const start = `${this.#endpoint}/api/models/${repoId}/tree/${encodeURIComponent(revision)}${below}`;
    let url: string | null = `${start}?recursive=true`;
    const files: RemoteFile[] = [];
    let pageCount = 0;
    while (url !== null) {
      const { value, headers }: { value: unknown; headers: Headers } = await fetchJson(
        url,
        this.#access,
        signal,
      );
      for (const entry of value as TreeEntry[]) {
        if (entry.type !== 'file' || !entry.path.startsWith(folder)) continue;
        const name = entry.path.slice(folder.length);
        files.push(
          this.#fileOf(entry.path, name, entry.size, checksumOf(entry.lfs?.oid ?? entry.oid)),
        );
      }
      checkListed(this.from, files.length, ++pageCount);
      url = this.#nextPage(headers.get('link'));
    }
    return files;
  }

  /** A page of another host would be asked with our token. */
  #nextPage(link: string | null): string | null {
    const next = /<([^>]+)>;\s*rel="next"/u.exec(link ?? '')?.[1];
    if (next === undefined) return null;
    const url = new URL(next, this.#endpoint);
    if (url.origin === new URL(this.#endpoint).origin) return url.href;
    throw new DownloadError(`the list of ${this.from} goes on at another host, ${url.host}`, {
      isTemporary: false,
    });
  }

  #fileOf(
    inRepository: string,
    path: string,
    size: number | null,
    checksum: Checksum | null,
  ): RemoteFile {
    const { repoId, revision } = this.#place;
    return new HttpFile({
      url: `${this.#endpoint}/${repoId}/resolve/${encodeURIComponent(revision)}/${escapePath(inRepository)}`,
      path,
      access: this.#access,
      from: `hf://${repoId}@${revision}/${inRepository}`,
      size,
      checksum,
      checksumOf: checksumOfHeaders,
    });
  }
}

/** `hf://OWNER/NAME[@REVISION]/PATH`, or the address that a browser shows of a file. */
export function huggingFacePlace(url: string): HuggingFacePlace | null {
  const own = /^hf:\/\/([^/@]+\/[^/@]+)(?:@([^/]+))?\/(.*)$/u.exec(url);
  const web =
    /^https:\/\/huggingface\.co\/([^/]+\/[^/]+)\/(?:resolve|blob|tree)\/([^/?#]+)\/([^?#]*)/u.exec(
      url,
    );
  const [, repoId, revision = 'main', path = ''] = own ?? web ?? [];
  if (repoId === undefined) return null;
  const decode = own === null ? decodeURIComponent : (text: string) => text;
  return { repoId, revision: decodeURIComponent(revision), path: decode(path).replace(/\/$/u, '') };
}

function escapePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** The tag of a file is its SHA-256 when it is large, and Git's name of it when it is small. */
function checksumOfHeaders({ headers, firstHeaders }: HttpFetched): Checksum | null {
  const tag = firstHeaders.get('x-linked-etag') ?? headers.get('etag') ?? '';
  return checksumOf(tag.replaceAll('"', ''));
}

function checksumOf(oid: string): Checksum | null {
  const digest = oid.replace(/^sha256:/u, '').toLowerCase();
  if (/^[\da-f]{64}$/u.test(digest)) return { algorithm: 'sha256', digest };
  return /^[\da-f]{40}$/u.test(digest) ? { algorithm: 'git-sha1', digest } : null;
}

function tokenOf(environment: Environment): string | null {
  const given = environment['HF_TOKEN'] || environment['HUGGING_FACE_HUB_TOKEN'];
  if (given) return given;
  const home =
    environment['HF_HOME'] || join(environment['HOME'] || homedir(), '.cache', 'huggingface');
  try {
    return readFileSync(environment['HF_TOKEN_PATH'] || join(home, 'token'), 'utf8').trim() || null;
  } catch {
    return null;
  }
}
