import type { ModelMetadata } from '@nereid/client';
import { describe, expect, it } from 'vitest';
import { modelTypesText } from './model-types-text.ts';

function model(name: string, more: Partial<ModelMetadata> = {}, optional: string[] = []) {
  const metadata = { name, versions: ['1'], platform: '', inputs: [], outputs: [], ...more };
  return { metadata, optionalInputs: new Set(optional) };
}

describe('the types of models', () => {
  it('tell names, data types and shapes', () => {
    const digits = model(
      'digits',
      {
        inputs: [
          { name: 'image', datatype: 'FP32', shape: [-1, 1, 8, 8] },
          { name: 'prompt text', datatype: 'BYTES', shape: [1] },
        ],
        outputs: [{ name: 'label', datatype: 'INT64', shape: [-1] }],
      },
      ['prompt text'],
    );
    expect(modelTypesText([digits], '@nereid/client')).toBe(`\
// Written by \`nereid types\`: run it again when the models change.
import type { ModelTypes, TensorOf } from '@nereid/client';

export interface DigitsModel extends ModelTypes {
  readonly name: 'digits';
  readonly inputs: {
    /** Float32Array. */
    readonly image: TensorOf<'FP32', [-1, 1, 8, 8]>;
    /** array of byte strings. */
    readonly 'prompt text'?: TensorOf<'BYTES', [1]>;
  };
  readonly outputs: {
    /** BigInt64Array. */
    readonly label: TensorOf<'INT64', [-1]>;
  };
}

/** By the name of the model. */
export interface Models {
  readonly digits: DigitsModel;
}
`);
  });

  it.each([
    [['resnet50-v2.7_onnx'], ['Resnet50V27OnnxModel']],
    [
      ['a-b', 'a_b', 'a.b'],
      ['ABModel', 'ABModel2', 'ABModel3'],
    ],
    [['3d_unet'], ['_3dUnetModel']],
    [['s'], ['SModel']],
    [['größe'], ['GrößeModel']],
    [['--'], ['_Model']],
  ])('name the interfaces of %j', (models, expected) => {
    const text = modelTypesText(
      models.map((name) => model(name)),
      'm',
    );
    expect(
      [...text.matchAll(/^export interface (\S+) extends/gmu)].map(([, name]) => name),
    ).toEqual(expected);
  });

  it('write every name as a string that is the same', () => {
    const name = `it's a "\\ */ \u2028\n\${x}\``;
    const text = modelTypesText([model(name)], 'm');
    const literal = /readonly name: (.*?);\n/su.exec(text)?.[1] ?? '';
    expect(new Function(`return ${literal}`)()).toBe(name);
    expect(text).toContain(`readonly ${literal}: `);
  });

  it('refuse a data type that no tensor has', () => {
    const odd = model('m', { outputs: [{ name: 'o', datatype: 'FP8' as 'FP16', shape: [1] }] });
    expect(() => modelTypesText([odd], 'm')).toThrow("the tensor 'o' is of FP8");
  });
});
