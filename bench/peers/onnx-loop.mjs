// A bare loop over ONNX Runtime: runs one model with zeros, again and again. Prints `ready`; each line
// `MILLISECONDS` that it reads is answered by a line of JSON {runs, seconds}.
// Usage: onnx-loop.mjs MODEL_FILE THREADS INPUT_NAME OUTPUT_NAME DIM...
import { createInterface } from 'node:readline';
import { OnnxRuntime } from '@nereid/native';

const [path, threads, inputName, outputName, ...dims] = process.argv.slice(2);
const shape = dims.map(Number);
const count = shape.reduce((product, dim) => product * dim, 1);
const session = await OnnxRuntime.open().createSession(
  { path },
  { intraOpThreadCount: Number(threads), interOpThreadCount: Number(threads) },
);
const inputs = [
  { name: inputName, tensor: { dataType: 'FP32', shape, data: Buffer.alloc(count * 4) } },
];
for (let run = 0; run < 3; run += 1) session.run(inputs, [outputName]);
console.log('ready');

for await (const line of createInterface({ input: process.stdin })) {
  const begin = performance.now();
  const deadline = begin + Number(line);
  let runs = 0;
  let now = begin;
  while (now < deadline) {
    session.run(inputs, [outputName]);
    runs += 1;
    now = performance.now();
  }
  console.log(JSON.stringify({ runs, seconds: (now - begin) / 1000 }));
}
