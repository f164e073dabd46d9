import { InferenceError } from '@nereid/client';
import type { AskServer, DetectorModel } from './detector-model.ts';
import { InputTensor } from './picture/input-tensor.ts';

/** More elements than that no server classifies. */
const classCountMax = 1_000_000;

/** Names of classes by their number; one that is missing has none. */
export type Labels = readonly (string | undefined)[];

/** Answers up to this size are asked for as a whole. */
const smallAnswerMax = 100_000;

/** Values of an anchor that are no scores. */
const boxValues = 4;

/**
 * Reads the names out of a model's labels file. No API gives that file, but the classification extension tells each element of
 * an output with the label of its index: one inference of a grey picture, asked for all elements, tells all labels.
 * A model without a labels file, or with more elements than can be asked for, has no names.
 */
export async function labelsOf(model: DetectorModel, ask: AskServer): Promise<Labels> {
  if (!model.hasLabels) return [];
  const count = model.batchFixed ? model.batchMax : 1;
  const inputs = { [model.inputName]: new InputTensor(model.format, count).tensor() };
  const classified = async (classCount: number): Promise<ReadonlyMap<number, string>> => {
    const outputs = [{ name: model.outputName, classCount }];
    const result = await ask(`labels of ${model.name}`, (client, call) =>
      client.infer(model.name, inputs, { outputs, ...call }),
    );
    return labelsByIndex(result.output(model.outputName).strings());
  };
  try {
    const few = anchorsOf(model);
    if (few !== null) {
      const listed = await classified(few.anchors * boxValues * count);
      const indexes = Array.from({ length: few.classes }, (_, index) => index);
      if (indexes.every((index) => listed.has(index))) return labelList(listed);
    }
    return labelList(await classified(classCountMax));
  } catch (error) {
    if (error instanceof InferenceError && error.code === 'INVALID_ARGUMENT') return [];
    throw error;
  }
}

/**
 * Of a raw head with many anchors. Its first row holds pixels, which are greater than all scores: among as many elements as there are
 * pixels are those whose indexes have labels, and the server need not sort and print a million of them.
 */
function anchorsOf({ outputShape }: DetectorModel): { anchors: number; classes: number } | null {
  const [rows = -1, columns = -1] = outputShape.slice(-2);
  if (rows < 1 || columns < 1 || rows * columns <= smallAnswerMax) return null;
  return { anchors: Math.max(rows, columns), classes: Math.min(rows, columns) - boxValues };
}

/** @param classes Each `VALUE:INDEX:LABEL`, or `VALUE:INDEX` where there is no label. */
function labelsByIndex(classes: readonly string[]): ReadonlyMap<number, string> {
  const labels = new Map<number, string>();
  for (const text of classes) {
    const [, index, label] = /^[^:]*:(\d+)(?::(.+))?$/su.exec(text) ?? [];
    if (index !== undefined) labels.set(Number(index), label ?? '');
  }
  return labels;
}

function labelList(labels: ReadonlyMap<number, string>): Labels {
  const list: (string | undefined)[] = [];
  for (const [index, label] of labels) if (label !== '') list[index] = label;
  return list;
}
