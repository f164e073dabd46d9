import { type InferenceClient, InferenceError, InferResult, tensor } from '@nereid/client';
import { describe, expect, it } from 'vitest';
import type { AskServer, DetectorModel } from './detector-model.ts';
import { labelsOf } from './model-labels.ts';

const model: DetectorModel = {
  name: 'm',
  inputName: 'images',
  format: { datatype: 'UINT8', layout: 'NCHW', width: 2, height: 2 },
  batchMax: 8,
  batchFixed: false,
  outputName: 'output0',
  outputShape: [-1, 300, 6],
  hasLabels: true,
};

/** A server that answers one request after the other; remembers how many classes were asked for. */
function serverOf(...answers: (readonly string[] | Error)[]) {
  const asked: number[] = [];
  const infer: InferenceClient['infer'] = async (_, __, options) => {
    const output = options?.outputs?.[0];
    asked.push(typeof output === 'object' ? (output.classCount ?? 0) : 0);
    const answer = answers.shift();
    if (answer === undefined || answer instanceof Error)
      throw answer ?? new Error('asked too often');
    return new InferResult({
      modelName: 'm',
      modelVersion: '1',
      id: '',
      parameters: {},
      outputs: new Map([['output0', tensor('BYTES', [1, answer.length], answer)]]),
    });
  };
  const ask: AskServer = (_, send) => send({ infer } as InferenceClient, {});
  return { ask, asked };
}

describe('labelsOf', () => {
  it('asks for all elements of a small answer', async () => {
    const { ask, asked } = serverOf(['9.0:2:a cat: tame', '8.0:0:dog', '7.0:5']);
    expect(await labelsOf(model, ask)).toEqual(['dog', undefined, 'a cat: tame']);
    expect(asked).toEqual([1_000_000]);
  });

  const raw: DetectorModel = { ...model, outputShape: [-1, 4 + 2, 50_000] };

  it('asks a raw head for as many elements as it has pixels', async () => {
    const { ask, asked } = serverOf(['9.0:1:dog', '8.0:0:cat', '7.0:77']);
    expect(await labelsOf(raw, ask)).toEqual(['cat', 'dog']);
    expect(asked).toEqual([200_000]);
  });

  it('takes an index without a label for one that has none', async () => {
    const { ask, asked } = serverOf(['9.0:1', '8.0:0:cat']);
    expect(await labelsOf(raw, ask)).toEqual(['cat']);
    expect(asked).toHaveLength(1);
  });

  it('asks for all when not every class was among them', async () => {
    const { ask, asked } = serverOf(['9.0:1:dog'], ['9.0:1:dog', '0.0:0:cat']);
    expect(await labelsOf(raw, ask)).toEqual(['cat', 'dog']);
    expect(asked).toEqual([200_000, 1_000_000]);
  });

  it('has no names where there are none, or too many elements to ask for', async () => {
    expect(await labelsOf({ ...model, hasLabels: false }, serverOf().ask)).toEqual([]);
    const tooLarge = new InferenceError(
      'INVALID_ARGUMENT',
      'classification output tensor too large',
      400,
    );
    expect(await labelsOf(model, serverOf(tooLarge).ask)).toEqual([]);
    const away = new InferenceError('UNAVAILABLE', 'not there', null);
    await expect(labelsOf(model, serverOf(away).ask)).rejects.toBe(away);
  });
});
