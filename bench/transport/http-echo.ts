// Claim: a small POST costs our HTTP/1.1 server well under what it costs node:http.
// Server CPU per request, both in the same run, alternately, driven by wrk.
// Run: npx tsx --conditions=nereid-source bench/transport/http-echo.ts [seconds a round] [rounds]
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const secondsPerRound = Number(process.argv[2] ?? 3);
const roundCount = Number(process.argv[3] ?? 3);
const bodyBytes = 256;
const connectionCount = 16;
const serverPath = fileURLToPath(new URL('./echo-server.ts', import.meta.url));

const script = `
wrk.method = "POST"
wrk.body = string.rep("x", ${bodyBytes})
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.headers["Accept"] = "*/*"
wrk.headers["User-Agent"] = "wrk"
wrk.headers["Inference-Header-Content-Length"] = "128"
`;

interface Echo {
  readonly kind: 'ours' | 'node';
  readonly child: ChildProcess;
  readonly port: number;
  readonly userUs: number[];
  readonly cpuUs: number[];
  readonly requestsPerSecond: number[];
}

async function start(kind: Echo['kind']): Promise<Echo> {
  const child = fork(serverPath, [kind]);
  const [port] = await once(child, 'message');
  return { kind, child, port, userUs: [], cpuUs: [], requestsPerSecond: [] };
}

async function cpuOf(child: ChildProcess): Promise<NodeJS.CpuUsage> {
  child.send('cpu');
  const [usage] = (await once(child, 'message')) as [NodeJS.CpuUsage];
  return usage;
}

async function measure(echo: Echo, scriptPath: string, seconds: number): Promise<void> {
  const before = await cpuOf(echo.child);
  const url = `http://127.0.0.1:${echo.port}/v2/models/simple/infer`;
  const flags = ['-t1', `-c${connectionCount}`, `-d${seconds}s`, '-s', scriptPath, url];
  const { stdout } = await promisify(execFile)('wrk', flags);
  const after = await cpuOf(echo.child);
  const count = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (!(count > 0) || /Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout);
  const userUs = after.user - before.user;
  echo.userUs.push(userUs / count);
  echo.cpuUs.push((userUs + after.system - before.system) / count);
  echo.requestsPerSecond.push(count / seconds);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const folder = await mkdtemp(join(tmpdir(), 'http-echo-'));
const scriptPath = join(folder, 'post.lua');
await writeFile(scriptPath, script);
const echoes = [await start('ours'), await start('node')];
try {
  for (const echo of echoes) {
    await measure(echo, scriptPath, 1);
    echo.userUs.length = 0;
    echo.cpuUs.length = 0;
    echo.requestsPerSecond.length = 0;
  }
  for (let round = 0; round < roundCount; round++) {
    for (const echo of echoes) await measure(echo, scriptPath, secondsPerRound);
  }
} finally {
  for (const { child } of echoes) child.send('exit');
  await rm(folder, { recursive: true });
}
const [ours, node] = echoes.map(({ kind, userUs, cpuUs, requestsPerSecond }) => {
  const user = median(userUs);
  const cpu = median(cpuUs);
  const rate = Math.round(median(requestsPerSecond));
  console.log(
    `${kind}: ${cpu.toFixed(1)} µs of server CPU a request, ${user.toFixed(1)} µs of it outside the kernel; ${rate} requests/s`,
  );
  return { user, cpu };
});
const ratio = (part: 'user' | 'cpu'): string => (ours![part] / node![part]).toFixed(2);
console.log(
  `ours / node:http = ${ratio('cpu')}, outside the kernel ${ratio('user')} ` +
    `(POST of ${bodyBytes} bytes, ${connectionCount} connections, Node ${process.version})`,
);
