import { parseModelConfigText } from '@nereid/protocol';
import { expect, it } from 'vitest';
import { stopOrder } from './stop-order.ts';

const model = (name: string, ...steps: string[]) => {
  const list = steps.map((step) => `step { model_name: "${step}" model_version: -1 }`).join(' ');
  const scheduling = steps.length === 0 ? '' : `ensemble_scheduling { ${list} }`;
  return { config: parseModelConfigText(`name: "${name}" ${scheduling}`, 'config.pbtxt') };
};

it('puts ensembles before the models that they need', () => {
  const models = [model('a'), model('inner', 'a'), model('outer', 'inner', 'b'), model('b')];
  expect(stopOrder(models).map((part) => part.map(({ config }) => config.name))).toEqual([
    ['outer'],
    ['inner'],
    ['a', 'b'],
  ]);
  expect(stopOrder([])).toEqual([]);
});
