import { InferenceError } from '@nereid/client';
import type { AskServer, DetectorModel } from './detector-model.ts';
import { InputTensor } from './picture/input-tensor.ts';

/** More elements than that no server classifies. */
const classCountMax = 1_000_000;

/** Names of classes by their number; one that is missing has none. */
export type Labels = readonly (string | undefined)[];

/**
 * Reads the names out of a model's labels file. No API gives that file, but the classification extension tells each element of
 * an output with the label of its index: one inference of a grey picture, asked for all elements, tells all labels.
 * A model without a labels file, or with more elements than can be asked for, has no names.
 */
export async function labelsOf(model: DetectorModel, ask: AskServer): Promise<Labels> {
  if (!model.hasLabels) return [];
  const count = model.batchFixed ? model.batchMax : 1;
  const inputs = { [model.inputName]: new InputTensor(model.format, count).tensor() };
  const outputs = [{ name: model.outputName, classCount: classCountMax }];
  try {
    const result = await ask(`labels of ${model.name}`, (client, call) =>
      client.infer(model.name, inputs, { outputs, ...call }),
    );
    return labelsOfClasses(result.output(model.outputName).strings());
  } catch (error) {
    if (error instanceof InferenceError && error.code === 'INVALID_ARGUMENT') return [];
    throw error;
  }
}

/** @param classes Each `VALUE:INDEX:LABEL`, or `VALUE:INDEX` where there is no label. */
function labelsOfClasses(classes: readonly string[]): Labels {
  const labels: (string | undefined)[] = [];
  for (const text of classes) {
    const [, index, label] = /^[^:]*:(\d+):(.+)$/su.exec(text) ?? [];
    if (index !== undefined) labels[Number(index)] = label;
  }
  return labels;
}
