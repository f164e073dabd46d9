import { createHash, createHmac, createVerify, generateKeyPairSync } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runGroup } from '../command/run-command.ts';
import { type LocalServer, localServer, serveContent } from '../testing/local-server.ts';
import { type TestContext, testContext } from '../testing/test-context.ts';
import { manage } from './manage.ts';

const weights = Buffer.alloc(70_000, 'weights');
const graph = Buffer.from('graph');
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const gitSha1 = (bytes: Buffer): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

let base: string;
let server: LocalServer | null = null;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'nereid-download-'));
});
afterEach(async () => {
  await server?.close();
  server = null;
  rmSync(base, { recursive: true });
});

const at = (path: string): string => join(base, path);

async function download(
  list: string,
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ status: number; context: TestContext }> {
  writeFileSync(at('models.toml'), list);
  const context = testContext(base, { HOME: base, ...environment });
  return { status: await runGroup(manage, ['download-models', ...args], context), context };
}

describe('download-models from Hugging Face', () => {
  /** Large files lie elsewhere, as they do there. */
  const hub = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '', 'http://hub');
    if (request.headers.authorization !== 'Bearer hf_token') {
      response.writeHead(401).end();
    } else if (url.pathname === '/api/models/example/nutrition/tree/v1/onnx') {
      const page = url.searchParams.get('cursor');
      const next = `<${server?.url}${url.pathname}?recursive=true&cursor=2>; rel="next"`;
      const rows =
        page === null
          ? [
              { type: 'directory', path: 'onnx/sub', size: 0, oid: 'x' },
              { type: 'file', path: 'onnx/model.onnx', size: graph.length, oid: gitSha1(graph) },
            ]
          : [
              {
                type: 'file',
                path: 'onnx/sub/model.onnx_data',
                size: weights.length,
                oid: 'pointer',
                lfs: { oid: sha256(weights) },
              },
            ];
      response.writeHead(200, page === null ? { link: next } : {}).end(JSON.stringify(rows));
    } else if (url.pathname === '/example/nutrition/resolve/v1/onnx/model.onnx') {
      serveContent(request, response, graph, { etag: `"${gitSha1(graph)}"` });
    } else if (
      /^\/example\/[a-z]+\/resolve\/[^/]+\/(weights\/best.onnx|onnx\/sub\/model.onnx_data)$/u.test(
        url.pathname,
      )
    ) {
      response.writeHead(302, { location: '/cdn', 'x-linked-etag': `"${sha256(weights)}"` }).end();
    } else if (url.pathname === '/cdn') serveContent(request, response, weights);
    else response.writeHead(404).end();
  };
  const list = `[models]
[[models.nutriscore]]
repo_id = "example/nutriscore"
revision = "2a38f0c0"
triton_version = 1
type = "single_file"
model_path = "weights/best.onnx"

[[models.nutrition]]
repo_id = "example/nutrition"
revision = "v1"
triton_version = 2
type = "directory"
subfolder = "onnx"
`;
  const environment = () => ({ HF_ENDPOINT: server?.url ?? '', HF_TOKEN: 'hf_token' });

  it('fetches files and folders, and knows them again', async () => {
    server = await localServer(hub);
    const { status, context } = await download(list, [], environment());
    expect(status, context.err()).toBe(0);
    expect(readFileSync(at('triton/nutriscore/1/model.onnx')).equals(weights)).toBe(true);
    expect(readFileSync(at('triton/nutrition/2/model.onnx/model.onnx')).equals(graph)).toBe(true);
    expect(
      readFileSync(at('triton/nutrition/2/model.onnx/sub/model.onnx_data')).equals(weights),
    ).toBe(true);
    expect(JSON.parse(readFileSync(at('triton/nutriscore/1/model_meta.json'), 'utf8'))).toEqual({
      name: 'nutriscore',
      triton_version: 1,
      repo_id: 'example/nutriscore',
      type: 'single_file',
      subfolder: null,
      model_path: 'weights/best.onnx',
      local_name: 'model.onnx',
      revision: '2a38f0c0',
    });
    expect(context.out()).toMatch(/fetched .*nutriscore\/1 \(\d/u);

    const asked = server.requests.length;
    const again = await download(list, [], environment());
    expect(again.status).toBe(0);
    expect(again.context.err()).toContain('is there already');
    expect(server.requests).toHaveLength(asked);

    const changed = list.replace('2a38f0c0', 'ffff');
    const kept = await download(changed, ['--include', 'nutriscore'], environment());
    expect(kept.context.err()).toContain('--overwrite replaces it');
    expect(server.requests).toHaveLength(asked);
    writeFileSync(at('triton/nutriscore/1/model.onnx'), 'old');
    expect((await download(changed, ['--overwrite'], environment())).status).toBe(0);
    expect(readFileSync(at('triton/nutriscore/1/model.onnx')).equals(weights)).toBe(true);
    expect(readdirSync(at('.nereid-downloads'))).toEqual([]);
  });

  it('says which token is missing', async () => {
    server = await localServer(hub);
    const { status, context } = await download(list, [], { HF_ENDPOINT: server.url });
    expect(status).toBe(1);
    expect(context.err()).toContain('set HF_TOKEN to a token that may read example/nutriscore');
    expect(existsSync(at('triton'))).toBe(false);
  });

  it('only says what it would do', async () => {
    const { status, context } = await download(list, ['--dry-run']);
    expect(status).toBe(0);
    expect(context.out()).toBe(
      `would fetch hf://example/nutriscore@2a38f0c0/weights/best.onnx into ${at('triton/nutriscore/1')}\n` +
        `would fetch hf://example/nutrition@v1/onnx into ${at('triton/nutrition/2/model.onnx')}\n`,
    );
    expect(readdirSync(base)).toEqual(['models.toml']);
  });
});

describe('download-models from the web', () => {
  const entry = (name: string, more = ''): string =>
    `[[models.${name}]]\nurl = "${server?.url}/${name}.onnx"\n${more}`;

  it('shows a model when it is whole, and goes on where it broke off', async () => {
    let whole = false;
    server = await localServer((request, response) => {
      if (request.url === '/good.onnx') serveContent(request, response, graph);
      else if (whole) serveContent(request, response, weights, { etag: '"1"' });
      else if (request.headers.range !== undefined) response.writeHead(404).end();
      else {
        response.writeHead(200, { 'content-length': weights.length, etag: '"1"' });
        response.write(weights.subarray(0, 60_000));
        const part = at('.nereid-downloads/broken@1/1/model.onnx');
        const stored = () => statSync(part, { throwIfNoEntry: false })?.size === 60_000;
        void vi.waitUntil(stored, 20_000).finally(() => response.destroy());
      }
    });
    const list = entry('good') + entry('broken', `sha256 = "${sha256(weights)}"\n`);
    const first = await download(list);
    expect(first.status).toBe(1);
    expect(first.context.err()).toContain("model 'broken' version 1: ");
    expect(readdirSync(at('triton'))).toEqual(['good']);
    whole = true;
    const second = await download(list);
    expect(second.status, second.context.err()).toBe(0);
    expect(server.requests.at(-1)?.headers.range).toMatch(/^bytes=\d+-$/u);
    expect(readFileSync(at('triton/broken/1/model.onnx')).equals(weights)).toBe(true);
  });

  it('keeps the old model when the new one is wrong', async () => {
    server = await localServer((request, response) => serveContent(request, response, weights));
    mkdirSync(at('triton/m/1'), { recursive: true });
    writeFileSync(at('triton/m/1/model.onnx'), 'old');
    const wrong = await download(entry('m', `sha256 = "${'0'.repeat(64)}"\n`), ['--overwrite']);
    expect(wrong.status).toBe(1);
    expect(wrong.context.err()).toContain(`has the sha256 ${sha256(weights)} instead of 000`);
    expect(readFileSync(at('triton/m/1/model.onnx'), 'utf8')).toBe('old');
  });

  it('fetches the named files of a folder', async () => {
    server = await localServer((request, response) =>
      serveContent(request, response, request.url === '/m/a%20b/model.pb' ? graph : weights),
    );
    const list = `[[models.m]]
url = "${server.url}/m/"
type = "directory"
local_name = "model.savedmodel"
files = ["a b/model.pb", "variables"]
sha256 = { "a b/model.pb" = "${sha256(graph)}" }
`;
    const { status, context } = await download(list);
    expect(status, context.err()).toBe(0);
    expect(readFileSync(at('triton/m/1/model.savedmodel/a b/model.pb')).equals(graph)).toBe(true);
    const without = await download(
      list.replace(/files = .*\n/u, '').replace('models.m', 'models.n'),
    );
    expect(without.context.err()).toContain('the web lists no folders');
  });

  it('fetches from a folder of this machine', async () => {
    mkdirSync(at('export'));
    writeFileSync(at('export/model.plan'), graph);
    const list =
      '[[models.a]]\nurl = "file:export/model.plan"\nlocal_name = "model.plan"\n' +
      `[[models.b]]\nurl = "file://${at('export')}"\ntype = "directory"\nlocal_name = "model.onnx"\n`;
    const { status, context } = await download(list, ['--jobs', '1']);
    expect(status, context.err()).toBe(0);
    expect(readFileSync(at('triton/a/1/model.plan')).equals(graph)).toBe(true);
    expect(readFileSync(at('triton/b/1/model.onnx/model.plan')).equals(graph)).toBe(true);
  });

  it('goes no two ways at once', async () => {
    server = await localServer((request, response) => serveContent(request, response, graph));
    mkdirSync(at('.nereid-downloads'));
    const lock = at('.nereid-downloads/m@1.lock');
    symlinkSync(String(process.pid), lock);
    expect((await download(entry('m'))).context.err()).toContain('wait for it, or remove');
    rmSync(lock);
    symlinkSync('999999999', lock);
    expect((await download(entry('m'))).status).toBe(0);
  });

  it.each([
    ['ftp://host/model.onnx', 'is no address that models can be fetched from'],
    ['s3://bucket', 'write it as s3://BUCKET/KEY'],
    ['gs://bucket', 'write gs://BUCKET/OBJECT'],
  ])('refuses %s', async (url, problem) => {
    const { status, context } = await download(`[[models.m]]\nurl = "${url}"\n`);
    expect(status).toBe(1);
    expect(context.err()).toContain(problem);
  });
});

describe('download-models from S3', () => {
  const credentials = {
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    AWS_REGION: 'eu-west-3',
  };

  it('signs requests as Amazon asks for, and lists folders page by page', async () => {
    server = await localServer((request, response) => {
      const url = new URL(request.url ?? '', server?.url);
      if (request.headers.authorization !== authorizationOf(request, url)) {
        response.writeHead(403).end();
      } else if (url.searchParams.get('list-type') === '2') {
        expect(url.searchParams.get('prefix')).toBe('models/a b/');
        const second = url.searchParams.get('continuation-token') === 'next/1';
        const object = (key: string, size: number) =>
          `<Contents><Key>${key}</Key><Size>${size}</Size></Contents>`;
        const page = second
          ? object('models/a+b/sub/w%26x', weights.length)
          : `<IsTruncated>true</IsTruncated><NextContinuationToken>next/1</NextContinuationToken>${object('models/a+b/', 0)}${object('models/a+b/model.onnx', graph.length)}`;
        response.end(`<ListBucketResult>${page}</ListBucketResult>`);
      } else if (url.pathname === '/bucket/models/a%20b/sub/w%26x')
        serveContent(request, response, weights);
      else if (url.pathname === '/bucket/models/a%20b/model.onnx') {
        const checksum = createHash('sha256').update(graph).digest('base64');
        serveContent(request, response, graph, { 'x-amz-checksum-sha256': checksum });
      } else response.writeHead(404).end();
    });
    const list = `[[models.m]]\nurl = "s3://bucket/models/a b"\ntype = "directory"\n`;
    const environment = { ...credentials, AWS_ENDPOINT_URL: server.url };
    const { status, context } = await download(list, [], environment);
    expect(status, context.err()).toBe(0);
    expect(readFileSync(at('triton/m/1/model.onnx/sub/w&x')).equals(weights)).toBe(true);
    const wrong = await download(list.replace('.m]', '.n]'), [], {
      ...environment,
      AWS_SECRET_ACCESS_KEY: 'x',
    });
    expect(wrong.context.err()).toContain('set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
    const triton = `[[models.t]]\nurl = "s3://${server.url}/bucket/models/a b/model.onnx"\n`;
    expect((await download(triton, [], credentials)).status).toBe(0);
  });

  /** Signature version 4, written down once more from its description. */
  function authorizationOf({ headers, method }: IncomingMessage, url: URL): string {
    const [, scope = '', names = ''] =
      /Credential=AKIDEXAMPLE\/([^,]+), SignedHeaders=([^,]+),/u.exec(
        headers.authorization ?? '',
      ) ?? [];
    const query = [...url.searchParams]
      .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
      .sort()
      .join('&');
    const signed = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`);
    const payload = String(headers['x-amz-content-sha256']);
    const canonical = [method, url.pathname, query, signed.join(''), names, payload].join('\n');
    const date = String(headers['x-amz-date']);
    const text = ['AWS4-HMAC-SHA256', date, scope, sha256(Buffer.from(canonical))].join('\n');
    const hmac = (key: string | Buffer, data: string) =>
      createHmac('sha256', key).update(data).digest();
    const key = [date.slice(0, 8), 'eu-west-3', 's3', 'aws4_request'].reduce<string | Buffer>(
      hmac,
      `AWS4${credentials.AWS_SECRET_ACCESS_KEY}`,
    );
    const signature = hmac(key, text).toString('hex');
    return `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  }
});

describe('download-models from Cloud Storage', () => {
  it('makes a token of the credentials of a service account', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const md5 = createHash('md5').update(weights).digest('base64');
    server = await localServer((request, response) => {
      const url = new URL(request.url ?? '', server?.url);
      if (url.pathname === '/token') {
        let body = '';
        request.on('data', (chunk) => (body += chunk));
        request.on('end', () => {
          const assertion = new URLSearchParams(body).get('assertion') ?? '';
          const [head, claim, signature = ''] = assertion.split('.');
          const isValid = createVerify('RSA-SHA256')
            .update(`${head}.${claim}`)
            .verify(publicKey, signature, 'base64url');
          response
            .writeHead(isValid ? 200 : 400)
            .end(JSON.stringify({ access_token: 'ya29', expires_in: 60 }));
        });
      } else if (request.headers.authorization !== 'Bearer ya29') response.writeHead(401).end();
      else if (url.pathname === '/storage/v1/b/bucket/o') {
        const items = [
          { name: 'models/m/', size: '0' },
          { name: 'models/m/a/model.onnx', size: `${weights.length}` },
        ];
        response.end(JSON.stringify({ items }));
      } else if (url.pathname === '/storage/v1/b/bucket/o/models%2Fm%2Fa%2Fmodel.onnx') {
        serveContent(request, response, weights, { 'x-goog-hash': `crc32c=AAAAAA==,md5=${md5}` });
      } else response.writeHead(404).end();
    });
    writeFileSync(
      at('key.json'),
      JSON.stringify({
        type: 'service_account',
        client_email: 'me@example.org',
        private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
        token_uri: `${server.url}/token`,
      }),
    );
    const environment = { STORAGE_EMULATOR_HOST: server.url };
    const list = '[[models.m]]\nurl = "gs://bucket/models/m"\ntype = "directory"\n';
    const { status, context } = await download(list, [], {
      ...environment,
      GOOGLE_APPLICATION_CREDENTIALS: at('key.json'),
    });
    expect(status, context.err()).toBe(0);
    expect(readFileSync(at('triton/m/1/model.onnx/a/model.onnx')).equals(weights)).toBe(true);
    const refused = await download(list.replace('.m]', '.n]'), [], environment);
    expect(refused.context.err()).toContain('set GOOGLE_APPLICATION_CREDENTIALS');
  });

  it.each([
    ['no JSON', /there are no credentials in .*key\.json: /u],
    [
      JSON.stringify({
        type: 'authorized_user',
        refresh_token: 'x',
        token_uri: 'http://127.0.0.1:1',
      }),
      /http:\/\/127\.0\.0\.1:1\/, which gives tokens for the credentials in .*key\.json: /u,
    ],
  ])('tells why there is no token: %s', async (key, text) => {
    writeFileSync(at('key.json'), key);
    const list = '[[models.m]]\nurl = "gs://bucket/models/m"\ntype = "directory"\n';
    const { status, context } = await download(list, [], {
      GOOGLE_APPLICATION_CREDENTIALS: at('key.json'),
    });
    expect(status).toBe(1);
    expect(context.err()).toMatch(text);
  });
});
