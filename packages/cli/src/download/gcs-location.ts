import { googleAccess } from './google-access.ts';
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

/** A page of the JSON API's list of objects. */
interface ObjectPage {
  readonly items?: readonly { readonly name: string; readonly size: string }[];
  readonly nextPageToken?: string;
}

/** A file or folder in Google Cloud Storage: `gs://BUCKET/OBJECT`. */
export class GcsLocation implements Location {
  readonly from: string;
  readonly #objects: string;
  readonly #name: string;
  readonly #access: HttpAccess;

  constructor(url: string, environment: Environment) {
    const [, bucket, name] = /^gs:\/\/([^/]+)\/(.*)$/u.exec(url) ?? [];
    if (bucket === undefined || name === undefined) {
      throw new DownloadError(`'${url}' is no address in Cloud Storage: write gs://BUCKET/OBJECT`, {
        isTemporary: false,
      });
    }
    this.from = url;
    this.#name = name;
    const service = environment['STORAGE_EMULATOR_HOST'] || 'https://storage.googleapis.com';
    const origin = service.includes('://') ? service.replace(/\/+$/u, '') : `http://${service}`;
    this.#objects = `${origin}/storage/v1/b/${encodeURIComponent(bucket)}/o`;
    this.#access = googleAccess(environment);
  }

  file(): RemoteFile {
    return this.#fileOf(this.#name, '', this.from, null);
  }

  fileAt(path: string): RemoteFile {
    const folder = this.#name.replace(/\/$/u, '');
    const name = folder === '' ? path : `${folder}/${path}`;
    return this.#fileOf(name, path, `${this.from.replace(/\/$/u, '')}/${path}`, null);
  }

  async list(signal: AbortSignal): Promise<RemoteFile[]> {
    const folder = this.#name.replace(/\/?$/u, '/').replace(/^\/$/u, '');
    const files: RemoteFile[] = [];
    let pageCount = 0;
    let token: string | undefined;
    do {
      const url = new URL(this.#objects);
      url.searchParams.set('prefix', folder);
      if (token !== undefined) url.searchParams.set('pageToken', token);
      const page = (await fetchJson(url, this.#access, signal)).value as ObjectPage;
      for (const { name, size } of page.items ?? []) {
        const path = name.slice(folder.length);
        if (path === '' || path.endsWith('/')) continue;
        const from = `${this.from.replace(/\/$/u, '')}/${path}`;
        files.push(this.#fileOf(name, path, from, Number(size)));
      }
      checkListed(this.from, files.length, ++pageCount);
      token = page.nextPageToken;
    } while (token !== undefined);
    return files;
  }

  #fileOf(name: string, path: string, from: string, size: number | null): RemoteFile {
    return new HttpFile({
      url: `${this.#objects}/${encodeURIComponent(name)}?alt=media`,
      path,
      access: this.#access,
      from,
      size,
      checksumOf: md5OfHeaders,
    });
  }
}

/** `x-goog-hash: crc32c=…,md5=…`; objects that were put together of others have no MD5. */
function md5OfHeaders({ headers }: HttpFetched): Checksum | null {
  const [, value] = /(?:^|[,\s])md5=([\w+/]{22}==)/u.exec(headers.get('x-goog-hash') ?? '') ?? [];
  if (value === undefined || headers.has('content-encoding')) return null;
  return { algorithm: 'md5', digest: Buffer.from(value, 'base64').toString('hex') };
}
