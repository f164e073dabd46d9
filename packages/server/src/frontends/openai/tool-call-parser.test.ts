import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toolCallParsers } from './tool-call-parser.ts';
import { ToolText } from './tool-text.ts';

const weather = { name: 'weather', arguments: '{"city":"Kyiv {a}"}' };
const time = { name: 'time', arguments: '{}' };

const written: [parser: string, text: string, said: string, calls: readonly object[]][] = [
  ['hermes', 'Hello.', 'Hello.', []],
  ['hermes', 'a <tool', 'a <tool', []],
  [
    'hermes',
    'Let me see.\n<tool_call>\n{"name": "weather", "arguments": {"city": "Kyiv {a}"}}\n</tool_call>\n<tool_call>{"name":"time","arguments":{}}</tool_call>',
    'Let me see.\n',
    [weather, time],
  ],
  [
    'hermes',
    'a <tool_call>{"name": "weather", "argu',
    'a <tool_call>{"name": "weather", "argu',
    [],
  ],
  ['hermes', '<tool_call>', '<tool_call>', []],
  ['hermes', '{"name":"time","arguments":{}}', '{"name":"time","arguments":{}}', []],
  ['llama3', 'Hello {}', 'Hello {}', []],
  ['llama3', '{"name": "weather", "parameters": {"city": "Kyiv {a}"}}', '', [weather]],
  [
    'llama3',
    '<|python_tag|>{"name":"weather","arguments":{"city":"Kyiv {a}"}}; {"name":"time","parameters":{}}',
    '',
    [weather, time],
  ],
  ['llama3', '{"answer": 42}', '{"answer": 42}', []],
  [
    'llama3',
    '{"name": "time", "parameters": {}} and more',
    '{"name": "time", "parameters": {}} and more',
    [],
  ],
  ['llama3', '  ', '  ', []],
  ['mistral', 'Hello.', 'Hello.', []],
  [
    'mistral',
    '[TOOL_CALLS] [{"name": "weather", "arguments": {"city": "Kyiv {a}"}}, {"name": "time", "arguments": {}}]',
    '',
    [weather, time],
  ],
  ['mistral', '[{"name": "time", "arguments": {}}]', '', [time]],
  [
    'mistral',
    'See: [TOOL_CALLS]time{}[TOOL_CALLS]weather[ARGS]{"city":"Kyiv {a}"}',
    'See: ',
    [time, weather],
  ],
  ['mistral', '[1, 2]', '[1, 2]', []],
  ['mistral', '[TOOL_CALLS]', '[TOOL_CALLS]', []],
];

function read(
  parser: string,
  pieces: readonly string[],
): { said: string; calls: readonly object[] } {
  const of = toolCallParsers.get(parser);
  if (of === undefined) throw new Error(`no parser ${parser}`);
  const text = new ToolText(of);
  const pushed = pieces.map((piece) => text.push(piece)).join('');
  const { said, calls } = text.end();
  return { said: pushed + said, calls };
}

describe('calls of tools', () => {
  it.each(written)('%s: %s', (parser, text, said, calls) => {
    expect(read(parser, [text])).toEqual({ said, calls });
    expect(read(parser, [...text])).toEqual({ said, calls });
  });

  it('lose no text that is no call, however it is cut', () => {
    const alphabet = ['<tool_call>', '[TOOL_CALLS]', '{', '}', '[', ']', '"', ' ', 'a', '<', ';'];
    const pieces = fc.array(fc.constantFrom(...alphabet), { maxLength: 12 });
    const parsers = fc.constantFrom(...toolCallParsers.keys());
    fc.assert(
      fc.property(parsers, pieces, (parser, cut) => {
        const { said, calls } = read(parser, cut);
        if (calls.length === 0) expect(said.trim()).toBe(cut.join('').trim());
      }),
    );
  });

  it('end at a bound', () => {
    expect(() => read('hermes', ['<tool_call>', 'x'.repeat(131_072)])).toThrow(
      "the model's call of a tool is longer than 131072 characters",
    );
  });
});
