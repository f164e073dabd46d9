import type { InferenceRequest } from '@nereid/model';
import { describe, expect, it } from 'vitest';
import { modelOf } from './model-file.ts';

const execute = () => [];
const autoCompleteConfig = (): number => 1;
class Model {
  static autoCompleteConfig = () => 'completed';
  readonly made = true;
  execute(_: readonly InferenceRequest[]) {
    return [];
  }
}

describe('modelOf', () => {
  it('makes a class anew for each instance', () => {
    const { make, completeConfig } = modelOf({ default: Model }, 'model.js');
    expect(make()).toBeInstanceOf(Model);
    expect(make()).not.toBe(make());
    expect(completeConfig?.({} as never)).toBe('completed');
  });

  it.each([
    ['the exports themselves', { execute, autoCompleteConfig }],
    ['an object', { default: { execute, autoCompleteConfig } }],
    ['CommonJS', { default: { execute, autoCompleteConfig }, execute }],
    ['exports beside another default', { default: 5, execute, autoCompleteConfig }],
  ])('takes %s', (_, namespace) => {
    expect(modelOf(namespace, 'model.js').make().execute).toBe(execute);
  });

  it.each([[{}], [{ default: execute }], [{ execute: 5 }]])('refuses %o', (namespace) => {
    expect(() => modelOf(namespace, 'model.js')).toThrow('model.js exports no model');
  });
});
