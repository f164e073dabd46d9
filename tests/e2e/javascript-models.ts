/** `config.pbtxt` of a JavaScript model: X [-1] in, Y [-1] out, of one type, without batching. */
export function javascriptConfig(extra = '', dataType = 'INT32'): string {
  return `backend: "javascript"
max_batch_size: 0
input [ { name: "X" data_type: TYPE_${dataType} dims: [ -1 ] } ]
output [ { name: "Y" data_type: TYPE_${dataType} dims: [ -1 ] } ]
${extra}`;
}

/** `model.js` whose `execute` answers each request with what `body` makes of `x`, an array, and `request`. */
export function javascriptModel(body: string, rest = ''): string {
  return `export async function execute(requests, context) {
  return Promise.all(requests.map(async (request) => {
    const x = request.input('X').data;
    let y = x;
    ${body}
    return { outputs: [{ name: 'Y', data: y }] };
  }));
}
${rest}`;
}

/** `model.mjs` of a decoupled model: answers 0, 1, … as often as X says; fails below 0. */
export const countingModel: string = `export default class Counting {
  async *execute([request]) {
    const [count] = request.input('X', 'INT32').data;
    if (count < 0) throw new RangeError('below 0');
    for (let i = 0; i < count; i++) yield { outputs: [{ name: 'Y', data: [i] }] };
  }
}`;

/**
 * `model.js` that answers with its input as soon as there is no file `hold` beside it any more; a file `begun` says that it
 * waits for that.
 */
export function heldModel(input = 'X', output = 'Y'): string {
  return `import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
const hold = new URL('hold', import.meta.url);
export async function execute(requests) {
  if (existsSync(hold)) writeFileSync(new URL('begun', import.meta.url), '');
  while (existsSync(hold)) await setTimeout(5);
  return requests.map((request) => ({
    outputs: [{ name: '${output}', data: request.input('${input}').data }],
  }));
}
`;
}
