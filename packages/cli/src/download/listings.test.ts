import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LocalServer, localServer } from '../testing/local-server.ts';
import { locationOf } from './location-of.ts';

/** A page of a listing that goes on, with so many files. */
type Page = (fileCount: number) => string;

const names = (count: number) => Array.from({ length: count }, (_, index) => `m/${index}`);

const sources: readonly [string, string, Page][] = [
  [
    'S3',
    's3://bucket/m',
    (count) => {
      const files = names(count).map((name) => `<Contents><Key>${name}</Key></Contents>`);
      const next =
        '<IsTruncated>true</IsTruncated><NextContinuationToken>n</NextContinuationToken>';
      return `<ListBucketResult>${next}${files.join('')}</ListBucketResult>`;
    },
  ],
  [
    'Cloud Storage',
    'gs://bucket/m',
    (count) =>
      JSON.stringify({
        items: names(count).map((name) => ({ name, size: '1' })),
        nextPageToken: 'n',
      }),
  ],
  [
    'Hugging Face',
    'hf://example/repository/m',
    (count) =>
      JSON.stringify(names(count).map((path) => ({ type: 'file', path, size: 1, oid: 'x' }))),
  ],
];

describe.each(sources)('a listing of %s that never ends', (_name, url, page) => {
  let server: LocalServer;
  let text = '';

  beforeEach(async () => {
    server = await localServer((_request, response) => {
      response.writeHead(200, { link: '</next>; rel="next"' }).end(text);
    });
  });
  afterEach(() => server.close());

  async function list(): Promise<unknown> {
    const environment = {
      HOME: '/nowhere',
      AWS_ENDPOINT_URL: server.url,
      STORAGE_EMULATOR_HOST: server.url,
      HF_ENDPOINT: server.url,
    };
    const location = locationOf({ kind: 'url', url }, environment, '/');
    return location.list(new AbortController().signal);
  }

  it('ends at the files that a model may have', async () => {
    text = page(40_000);
    await expect(list()).rejects.toThrow(/\/m holds more than 100000 files/u);
    expect(server.requests).toHaveLength(3);
  });

  it('ends at a number of pages, where they hold no files', async () => {
    text = page(0);
    await expect(list()).rejects.toThrow(
      /\/m is listed on more than 1000 pages: name the files that the model needs/u,
    );
    expect(server.requests).toHaveLength(1001);
  });
});
