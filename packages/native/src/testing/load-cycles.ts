/**
 * Loads, runs and releases a model over and over, then prints what became of the resident memory, as
 * JSON. Run by a test in a process of its own: `node --expose-gc load-cycles.ts <cycles>`.
 */
import { onnxModel } from '../../../test-kit/src/onnx-writer.ts';
import { mallocTrim, OnnxRuntime, type OnnxTensor } from '../index.ts';

const ROWS = 2048;
const COLUMNS = 2560;
const WARM_UP_CYCLES = 20;

declare const gc: () => void;

async function residentBytes(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  mallocTrim();
  return process.memoryUsage.rss();
}

async function main(): Promise<void> {
  const weights = Buffer.alloc(ROWS * COLUMNS * 4, 1);
  const model = onnxModel({
    nodes: [{ op: 'MatMul', inputs: ['INPUT', 'weights'], outputs: ['OUTPUT'] }],
    inputs: [{ name: 'INPUT', type: 'FLOAT', shape: ['batch', ROWS] }],
    outputs: [{ name: 'OUTPUT', type: 'FLOAT', shape: ['batch', COLUMNS] }],
    initializers: [{ name: 'weights', type: 'FLOAT', shape: [ROWS, COLUMNS], data: weights }],
  });
  const runtime = OnnxRuntime.open();
  const tensor: OnnxTensor = { dataType: 'FP32', shape: [1, ROWS], data: Buffer.alloc(ROWS * 4) };
  const inputs = [{ name: 'INPUT', tensor }];
  const cycle = async (): Promise<void> => {
    const session = await runtime.createSession({ bytes: model }, { intraOpThreadCount: 1 });
    session.run(inputs, ['OUTPUT']);
    session.run(inputs, ['OUTPUT']);
    await session.runAsync(inputs, ['OUTPUT']);
    session.release();
  };
  for (let index = 0; index < WARM_UP_CYCLES; index += 1) await cycle();
  const before = await residentBytes();
  for (let index = 0; index < Number(process.argv[2]); index += 1) await cycle();
  const after = await residentBytes();
  console.log(JSON.stringify({ modelBytes: model.byteLength, before, after }));
}

await main();
