import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './bench-repository.ts';

/** A request that h2load repeats. */
export interface H2loadRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** HTTP/1.1 instead of HTTP/2: one request at a time on each connection. */
  readonly http1?: boolean;
}

export interface H2loadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
}

/** Null when h2load is there, else why not. */
export function h2loadMissing(): string | null {
  return spawnSync('h2load', ['--version']).error === undefined
    ? null
    : 'h2load is not installed (apt-get install nghttp2-client)';
}

/** One message of gRPC, as it goes over the wire. */
export function grpcMessage(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(5 + message.byteLength);
  framed.writeUInt32BE(message.byteLength, 1);
  framed.set(message, 5);
  return framed;
}

/** Loads a server of this machine. Throws when an answer was missing or no success. */
export async function runH2load(
  request: H2loadRequest,
  port: number,
  connections: number,
  streams: number,
  requests: number,
): Promise<H2loadResult> {
  const body = join(temporaryFolder(), 'body');
  writeFileSync(body, request.body);
  const args = [
    ...(request.http1 === true ? ['--h1'] : []),
    ...['-t1', `-c${connections}`, `-m${streams}`, `-n${requests}`, '-d', body],
    ...Object.entries(request.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    `http://127.0.0.1:${port}${request.path}`,
  ];
  const child = spawn('h2load', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await once(child, 'close');
  const rate = /finished in .*?, ([\d.]+) req\/s/u.exec(output);
  const succeeded = /(\d+) succeeded/u.exec(output);
  if (rate === null || Number(succeeded?.[1]) !== requests) {
    throw new Error(`h2load failed:\n${output}`);
  }
  return { requests, requestsPerSecond: Number(rate[1]) };
}
