import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './bench-repository.ts';

/** A request that wrk repeats. */
export interface WrkRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface WrkResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
}

/** Null when wrk is there, else why not. */
export function wrkMissing(): string | null {
  return spawnSync('wrk', ['-v']).error === undefined
    ? null
    : 'wrk is not installed (apt-get install wrk)';
}

/** Writes the script that makes wrk send this request, and returns its path. */
export function wrkScript({ path, headers, body }: WrkRequest): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'body'), body);
  const lines = [
    `local file = assert(io.open(${JSON.stringify(join(folder, 'body'))}, 'rb'))`,
    `wrk.body = file:read('*a')`,
    `file:close()`,
    `wrk.method = 'POST'`,
    `wrk.path = ${JSON.stringify(path)}`,
    ...Object.entries(headers).map(
      ([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`,
    ),
  ];
  const script = join(folder, 'request.lua');
  writeFileSync(script, `${lines.join('\n')}\n`);
  return script;
}

/** Loads a server of this machine. Throws when an answer was missing or no success. */
export async function runWrk(
  script: string,
  port: number,
  connections: number,
  seconds: number,
): Promise<WrkResult> {
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '-s',
    script,
    `http://127.0.0.1:${port}`,
  ];
  const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await once(child, 'close');
  const requests = /(\d+) requests in/u.exec(output);
  const rate = /Requests\/sec: *([\d.]+)/u.exec(output);
  if (requests === null || rate === null || /Non-2xx|Socket errors/u.test(output)) {
    throw new Error(`wrk failed:\n${output}`);
  }
  return { requests: Number(requests[1]), requestsPerSecond: Number(rate[1]) };
}
