/**
 * Claim: writing large outputs straight into the caller's memory, with the shapes learned from an
 * earlier run, saves the copy that outputs allocated by ONNX Runtime need.
 *
 * Prints milliseconds a run of 4.9 MB through an identity model: as learned, and with a session that
 * cannot learn (its outputs are named twice, which is never planned), with half the bytes each.
 */
import { OnnxRuntime, type OnnxTensor } from '@nereid/native';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { identityModel } from '../../packages/test-kit/src/onnx-writer.ts';

const RUNS = 200;
const ROUNDS = 5;
const BYTES = 4_900_000;

async function milliseconds(run: () => unknown): Promise<number> {
  const samples: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const begin = process.hrtime.bigint();
    for (let index = 0; index < RUNS; index += 1) await run();
    samples.push(Number(process.hrtime.bigint() - begin) / 1e6 / RUNS);
  }
  return samples.sort((left, right) => left - right)[Math.floor(ROUNDS / 2)] ?? 0;
}

async function main(): Promise<void> {
  const model = identityModel('FLOAT', ['n']);
  const runtime = OnnxRuntime.open();
  const planned = await runtime.createSession({ bytes: model }, { intraOpThreadCount: 1 });
  const unplanned = await runtime.createSession({ bytes: model }, { intraOpThreadCount: 1 });
  const peer = await InferenceSession.create(model, { intraOpNumThreads: 1 });
  const tensor = (byteLength: number): OnnxTensor => ({
    dataType: 'FP32',
    shape: [byteLength / 4],
    data: Buffer.allocUnsafeSlow(byteLength).fill(1),
  });
  const whole = [{ name: 'INPUT', tensor: tensor(BYTES) }];
  const half = [{ name: 'INPUT', tensor: tensor(BYTES / 2) }];
  const feeds = { INPUT: new Tensor('float32', new Float32Array(BYTES / 4), [BYTES / 4]) };
  const rows: [string, () => unknown][] = [
    ['onnxruntime-node run()', () => peer.run(feeds)],
    ['native run(), learned', () => planned.run(whole, ['OUTPUT'])],
    ['native run(), copied', () => unplanned.run(half, ['OUTPUT', 'OUTPUT'])],
  ];
  for (const [name, run] of rows) {
    console.log(`${name.padEnd(26)} ${(await milliseconds(run)).toFixed(3)} ms`);
  }
  planned.release();
  unplanned.release();
  await peer.release();
}

await main();
