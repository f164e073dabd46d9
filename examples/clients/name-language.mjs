// Names the language of a text, with nothing but Node's fetch:
//   node examples/clients/name-language.mjs [--url=http://localhost:8000] 'Wo ist der Bahnhof?'
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { url: { type: 'string', default: 'http://localhost:8000' } },
  allowPositionals: true,
});
const texts =
  positionals.length > 0 ? positionals : ['Where is the station?', 'Wo ist der Bahnhof?'];

const response = await fetch(`${values.url}/v2/models/language/infer`, {
  method: 'POST',
  body: JSON.stringify({
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [texts.length, 1], data: texts }],
    outputs: [{ name: 'scores', parameters: { classification: 1 } }],
  }),
});
const answer = await response.json();
if (!response.ok) throw new Error(answer.error);
for (const [row, text] of texts.entries()) {
  const [score, , language] = answer.outputs[0].data[row].split(':');
  console.log(`${language} (${Math.round(Number(score) * 100)} %): ${text}`);
}
