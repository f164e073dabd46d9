import { parseModelConfigText } from '@nereid/protocol';
import { cpuTimeMs } from '@nereid/test-kit';
import { expect, test } from 'vitest';
import { normaliseConfig } from './normalise.ts';
import { validateModelConfig } from './validate-model.ts';

const io = (kind: string, ...names: string[]): string =>
  names.map((name) => `${kind} { name: "${name}" data_type: TYPE_FP32 dims: 1 }`).join(' ');
const map = (field: string, entries: Record<string, string>): string =>
  Object.entries(entries)
    .map(([key, value]) => `${field} { key: "${key}" value: "${value}" }`)
    .join(' ');
const step = (inputs: Record<string, string>, outputs: Record<string, string>): string =>
  `step { model_name: "s" ${map('input_map', inputs)} ${map('output_map', outputs)} }`;

function check(text: string): void {
  const config = parseModelConfigText(`name: "e" platform: "ensemble" ${text}`, 'config.pbtxt');
  validateModelConfig(normaliseConfig(config));
}

test('steps that lead from inputs to outputs are good', () => {
  const steps = [
    step({ a: 'IN' }, { b: 't', c: 'side' }),
    step({ a: 't', b: 'side' }, { b: 'OUT' }),
  ];
  check(`${io('input', 'IN')} ${io('output', 'OUT')} ensemble_scheduling { ${steps.join(' ')} }`);
});

test.each([
  ['', "must specify 'step' for ensemble 'e'"],
  ['step { }', "must specify 'model_name' in step 0 of ensemble 'e'"],
  ['step { model_name: "s" }', "must specify 'input_map' in step 0 of ensemble 'e'"],
  [step({ a: 'IN' }, {}), "must specify 'output_map' in step 0 of ensemble 'e'"],
  [
    step({ a: 'IN' }, { b: 'OUT' }) + step({ a: 'IN' }, { b: 'OUT' }),
    "ensemble tensor 'OUT' can appear in an output map only once for ensemble 'e' step 1",
  ],
  [step({ a: 'x' }, { b: 'OUT' }), "ensemble input 'IN' for ensemble e' is not used"],
  [step({ a: 'IN' }, { b: 'x' }), "ensemble output 'OUT' for ensemble e' is not used"],
  [
    step({ a: 'IN', b: 'lost' }, { b: 'OUT' }),
    "output 'OUT' for ensemble 'e' is not written: at least one of its depending tensors, 'lost', is not connected",
  ],
  [
    step({ a: 'IN', b: 't' }, { b: 'OUT' }) + step({ a: 'OUT' }, { b: 't' }),
    "output 'OUT' for ensemble 'e' is not written",
  ],
  [
    step({ a: 'IN' }, { b: 'OUT', c: 'spare' }),
    "ensemble tensor 'spare' is unused in ensemble 'e'",
  ],
])('%j is refused', (steps, message) => {
  const text = `${io('input', 'IN')} ${io('output', 'OUT')} ensemble_scheduling { ${steps} }`;
  expect(() => check(text)).toThrow(message);
});

test.each([
  ['instance_group { }', "instance group should not be specified for ensemble 'e'"],
  ['optimization { }', "optimization should not be specified for ensemble 'e'"],
  ['model_warmup { }', "model_warmup can not be specified for ensemble 'e'"],
])('%s does not go with an ensemble', (text, message) => {
  expect(() => check(`${text} ensemble_scheduling { }`)).toThrow(message);
});

test('only the platform ensemble has ensemble scheduling', () => {
  const config = parseModelConfigText('name: "m" backend: "b" ensemble_scheduling { }', 'c');
  expect(() => validateModelConfig(normaliseConfig(config))).toThrow(
    "ensemble scheduling cannot be set for model 'm' whose platform is not ensemble",
  );
});

test('a long chain of steps is checked quickly', () => {
  const count = 2000;
  const steps = Array.from({ length: count }, (_, index) =>
    step(
      { a: index === 0 ? 'IN' : `t${index}` },
      { b: index === count - 1 ? 'OUT' : `t${index + 1}` },
    ),
  );
  const text = `${io('input', 'IN')} ${io('output', 'OUT')} ensemble_scheduling { ${steps.reverse().join(' ')} }`;
  expect(cpuTimeMs(() => check(text))).toBeLessThan(2000);
});

test('a step with thousands of inputs and outputs is checked quickly', () => {
  const wide = (name: string, count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`${name}${index}`, `${name}${index}`]),
    );
  const steps = [
    step({ in: 'IN' }, wide('t', 3000)),
    step(wide('t', 3000), { ...wide('u', 2000), out: 'OUT' }),
    step({ ...wide('u', 2000), ...wide('w', 100) }, wide('w', 100)),
  ];
  const text = `${io('input', 'IN')} ${io('output', 'OUT')} ensemble_scheduling { ${steps.join(' ')} }`;
  const spentMs = cpuTimeMs(() => {
    expect(() => check(text)).toThrow("ensemble tensor 'w0' is unused in ensemble 'e'");
  });
  expect(spentMs).toBeLessThan(2000);
});
