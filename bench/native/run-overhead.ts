/**
 * Claim: a run of a small model through @nereid/native costs a fraction of what onnxruntime-node's
 * `run()` costs, and a thread hop costs so much that small models belong on the event loop.
 *
 * Prints microseconds a call (median of rounds, all contestants in turn in the same process) and the
 * ratio to onnxruntime-node, which runs on the same library file.
 */
import { OnnxRuntime, type OnnxSession, type OnnxTensor } from '@nereid/native';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { addSubModel } from '../../packages/test-kit/src/onnx-writer.ts';

const ROUNDS = 7;
const CALLS = 4000;
const ELEMENTS = 16;

interface Contestant {
  readonly name: string;
  readonly call: () => unknown;
  /** Calls in flight at once. */
  readonly concurrency: number;
}

async function microsecondsPerCall(contestant: Contestant): Promise<number> {
  const begin = process.hrtime.bigint();
  if (contestant.concurrency === 0) {
    for (let index = 0; index < CALLS; index += 1) contestant.call();
  } else {
    const worker = async (): Promise<void> => {
      for (let index = 0; index < CALLS / contestant.concurrency; index += 1) {
        await contestant.call();
      }
    };
    await Promise.all(Array.from({ length: contestant.concurrency }, worker));
  }
  return Number(process.hrtime.bigint() - begin) / 1000 / CALLS;
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}

async function main(): Promise<void> {
  const model = addSubModel('FLOAT', ['batch', ELEMENTS]);
  const session: OnnxSession = await OnnxRuntime.open().createSession(
    { bytes: model },
    { intraOpThreadCount: 1 },
  );
  const peer = await InferenceSession.create(model, { intraOpNumThreads: 1 });

  const values = Float32Array.from({ length: ELEMENTS }, (_, index) => index);
  const tensor: OnnxTensor = {
    dataType: 'FP32',
    shape: [1, ELEMENTS],
    data: new Uint8Array(values.buffer),
  };
  const inputs = [
    { name: 'INPUT0', tensor },
    { name: 'INPUT1', tensor },
  ];
  const outputs = ['OUTPUT0', 'OUTPUT1'];
  const peerTensor = new Tensor('float32', values, [1, ELEMENTS]);
  const feeds = { INPUT0: peerTensor, INPUT1: peerTensor };
  const noOptions = {};

  const contestants: readonly Contestant[] = [
    { name: 'onnxruntime-node run()', call: () => peer.run(feeds), concurrency: 1 },
    { name: 'native run(), staged', call: () => session.run(inputs, outputs), concurrency: 0 },
    {
      name: 'native run(), with run options',
      call: () => session.run(inputs, outputs, noOptions),
      concurrency: 0,
    },
    {
      name: 'native runAsync(), 1 in flight',
      call: () => session.runAsync(inputs, outputs),
      concurrency: 1,
    },
    {
      name: 'native runAsync(), 8 in flight',
      call: () => session.runAsync(inputs, outputs),
      concurrency: 8,
    },
  ];
  const samples = contestants.map(() => [] as number[]);
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [index, contestant] of contestants.entries()) {
      const sample = await microsecondsPerCall(contestant);
      if (round >= 0) samples[index]!.push(sample);
    }
  }
  const reference = median(samples[0]!);
  for (const [index, { name }] of contestants.entries()) {
    const value = median(samples[index]!);
    console.log(
      `${name.padEnd(32)} ${value.toFixed(2).padStart(8)} us  x${(value / reference).toFixed(2)}`,
    );
  }
  session.release();
  await peer.release();
}

await main();
