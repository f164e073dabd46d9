// Loads a model into bare ONNX Runtime, runs it and releases it, over and over. Prints `ready`; each
// line `CYCLES` that it reads is answered by a line of JSON: the resident bytes after each cycle.
// Usage: onnx-cycles.mjs MODEL_FILE INPUT_NAME OUTPUT_NAME DIM...
import { createInterface } from 'node:readline';
import { mallocTrim, OnnxRuntime } from '@nereid/native';

const [path, inputName, outputName, ...dims] = process.argv.slice(2);
const shape = dims.map(Number);
const count = shape.reduce((product, dim) => product * dim, 1);
const inputs = [
  { name: inputName, tensor: { dataType: 'FP32', shape, data: Buffer.alloc(count * 4) } },
];
const runtime = OnnxRuntime.open();
console.log('ready');

for await (const line of createInterface({ input: process.stdin })) {
  const resident = [];
  for (let cycle = 0; cycle < Number(line); cycle += 1) {
    const session = await runtime.createSession({ path }, { intraOpThreadCount: 1 });
    session.run(inputs, [outputName]);
    session.release();
    mallocTrim();
    resident.push(process.memoryUsage.rss());
  }
  console.log(JSON.stringify(resident));
}
