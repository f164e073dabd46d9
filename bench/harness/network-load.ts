import { binaryAnswer } from './infer-request.ts';
import type { KeepAliveClient } from './keep-alive-client.ts';
import type { PeerProcess } from './peer-process.ts';
import { cpuSeconds } from './process-usage.ts';
import { wrkCost } from './wrk-cost.ts';

/** What a network was measured at, a figure a round. */
export interface Samples {
  /** Images a second. */
  readonly rates: number[];
  /** Of the server or the peer, for an image. */
  readonly cpuMilliseconds: number[];
}

export function samples(): Samples {
  return { rates: [], cpuMilliseconds: [] };
}

/** Asks for `durationMs`, counted from the first question to the last answer. */
export async function served(
  pid: number,
  clients: readonly KeepAliveClient[],
  request: Buffer,
  durationMs: number,
  into: Samples,
): Promise<void> {
  const cpuBefore = cpuSeconds(pid);
  const begin = performance.now();
  let count = 0;
  let last = begin;
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() < begin + durationMs) {
        binaryAnswer(await client.ask(request));
        count += 1;
        last = performance.now();
      }
    }),
  );
  into.rates.push((count * 1000) / (last - begin));
  into.cpuMilliseconds.push(((cpuSeconds(pid) - cpuBefore) * 1000) / count);
}

/** Has wrk ask the server. */
export async function servedToWrk(
  { pid, port }: { readonly pid: number; readonly port: number },
  script: string,
  connections: number,
  seconds: number,
  into: Samples,
): Promise<void> {
  const cost = await wrkCost(pid, script, port, connections, seconds);
  into.rates.push(cost.requestsPerSecond);
  into.cpuMilliseconds.push(cost.cpuMicroseconds / 1000);
}

/** Lets `onnx-loop.mjs` run batches of so many images. */
export async function looped(
  peer: PeerProcess,
  durationMs: number,
  size: number,
  into: Samples,
): Promise<void> {
  const cpuBefore = cpuSeconds(peer.pid);
  const answer = JSON.parse(await peer.ask(String(durationMs))) as {
    runs: number;
    seconds: number;
  };
  const images = answer.runs * size;
  into.rates.push(images / answer.seconds);
  into.cpuMilliseconds.push(((cpuSeconds(peer.pid) - cpuBefore) * 1000) / images);
}
