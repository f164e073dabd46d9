import { AwsClient } from 'aws4fetch';
import { fetchText, type HttpAccess, type HttpFetched } from './http-fetch.ts';
import { HttpFile } from './http-file.ts';
import {
  type Checksum,
  checkListed,
  DownloadError,
  type Location,
  type RemoteFile,
} from './remote-file.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Bucket, key and where the service is. */
interface S3Place {
  /** With the bucket, without a slash at the end. */
  readonly base: string;
  readonly key: string;
}

/**
 * A file or folder in S3 or what speaks its protocol: `s3://BUCKET/KEY`, or as Triton has it with the service's
 * address before it, `s3://https://HOST:PORT/BUCKET/KEY`. Credentials, region and address come from the
 * variables that every tool for S3 reads.
 */
export class S3Location implements Location {
  readonly from: string;
  readonly #place: S3Place;
  readonly #access: HttpAccess;

  constructor(url: string, environment: Environment) {
    this.from = url;
    this.#place = placeOf(url, environment);
    this.#access = accessOf(environment);
  }

  file(): RemoteFile {
    return this.#fileOf(this.#place.key, '', this.from, null);
  }

  fileAt(path: string): RemoteFile {
    const folder = this.#place.key.replace(/\/$/u, '');
    const key = folder === '' ? path : `${folder}/${path}`;
    return this.#fileOf(key, path, `${this.from.replace(/\/$/u, '')}/${path}`, null);
  }

  /** ListObjectsV2, page by page. */
  async list(signal: AbortSignal): Promise<RemoteFile[]> {
    const folder = this.#place.key.replace(/\/?$/u, '/').replace(/^\/$/u, '');
    const files: RemoteFile[] = [];
    let pageCount = 0;
    let token: string | null = null;
    do {
      const url = new URL(`${this.#place.base}/`);
      url.searchParams.set('list-type', '2');
      url.searchParams.set('encoding-type', 'url');
      url.searchParams.set('prefix', folder);
      if (token !== null) url.searchParams.set('continuation-token', token);
      const { text } = await fetchText(url, this.#access, signal);
      for (const [, object = ''] of text.matchAll(/<Contents>(.*?)<\/Contents>/gsu)) {
        const key = decodeURIComponent((element(object, 'Key') ?? '').replaceAll('+', ' '));
        const path = key.slice(folder.length);
        // A key that ends in a slash stands for an empty folder.
        if (path === '' || path.endsWith('/')) continue;
        const size = Number(element(object, 'Size'));
        const from = `${this.from.replace(/\/$/u, '')}/${path}`;
        files.push(this.#fileOf(key, path, from, Number.isSafeInteger(size) ? size : null));
      }
      checkListed(this.from, files.length, ++pageCount);
      token =
        element(text, 'IsTruncated') === 'true' ? element(text, 'NextContinuationToken') : null;
    } while (token !== null);
    return files;
  }

  #fileOf(key: string, path: string, from: string, size: number | null): RemoteFile {
    const escaped = key.split('/').map(encodeURIComponent).join('/');
    return new HttpFile({
      url: `${this.#place.base}/${escaped}`,
      path,
      access: this.#access,
      from,
      size,
      checksumOf: sha256OfHeaders,
    });
  }
}

function placeOf(url: string, environment: Environment): S3Place {
  const own = /^s3:\/\/(https?:\/\/[^/]+|[^/]+:\d+)\/([^/]+)\/(.*)$/u.exec(url);
  if (own !== null) {
    const [, service = '', bucket = '', key = ''] = own;
    const origin = service.includes('://') ? service : `https://${service}`;
    return { base: `${origin}/${bucket}`, key };
  }
  const [, bucket, key] = /^s3:\/\/([^/:]+)\/(.*)$/u.exec(url) ?? [];
  if (bucket === undefined || key === undefined) {
    throw new DownloadError(`'${url}' is no address in S3: write it as s3://BUCKET/KEY`, {
      isTemporary: false,
    });
  }
  const endpoint = environment['AWS_ENDPOINT_URL_S3'] ?? environment['AWS_ENDPOINT_URL'];
  if (endpoint !== undefined && endpoint !== '') {
    return { base: `${endpoint.replace(/\/+$/u, '')}/${bucket}`, key };
  }
  const host = `s3.${regionOf(environment)}.amazonaws.com`;
  // A certificate for *.s3.… does not cover a bucket with a dot in its name.
  const base = bucket.includes('.') ? `https://${host}/${bucket}` : `https://${bucket}.${host}`;
  return { base, key };
}

function regionOf(environment: Environment): string {
  return environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION'] || 'us-east-1';
}

/** Without a key requests are not signed, for buckets that are public. */
function accessOf(environment: Environment): HttpAccess {
  const accessKeyId = environment['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY'];
  const sessionToken = environment['AWS_SESSION_TOKEN'];
  const hint =
    'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN, AWS_REGION) to what may read it';
  if (!accessKeyId || !secretAccessKey) return { headers: async () => ({}), hint };
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken ? { sessionToken } : {}),
    service: 's3',
    region: regionOf(environment),
  });
  return {
    hint,
    async headers(url, range) {
      const { headers } = await client.sign(url.href, {
        headers: { 'x-amz-checksum-mode': 'ENABLED', ...(range === null ? {} : { range }) },
      });
      return Object.fromEntries(headers);
    },
  };
}

/** S3 tells the SHA-256 of objects that were uploaded with one; those of several parts end in their count. */
function sha256OfHeaders({ headers, status }: HttpFetched): Checksum | null {
  const value = headers.get('x-amz-checksum-sha256');
  if (value === null || status !== 200 || !/^[\w+/]{43}=$/u.test(value)) return null;
  return { algorithm: 'sha256', digest: Buffer.from(value, 'base64').toString('hex') };
}

const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
};

function element(xml: string, name: string): string | null {
  const found = new RegExp(`<${name}>([^<]*)</${name}>`, 'u').exec(xml);
  return found?.[1]?.replaceAll(/&\w+;/gu, (entity) => entities[entity] ?? entity) ?? null;
}
