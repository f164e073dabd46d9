import type { CallOptions, InferenceClient, ModelMetadata, TensorMetadata } from '@nereid/client';
import type { InputFormat, PictureDataType } from './picture/input-tensor.ts';
import type { Size } from './picture/letterbox.ts';
import { UnsupportedModelError } from './vision-error.ts';

/** What is to be known of a model before pictures can be sent to it. */
export interface DetectorModel {
  readonly name: string;
  readonly inputName: string;
  readonly format: InputFormat;
  /** Pictures in one request at most. */
  readonly batchMax: number;
  /** The model takes no fewer: the rest of a batch is filled up. */
  readonly batchFixed: boolean;
  readonly outputName: string;
  /** -1 for a size that varies. */
  readonly outputShape: readonly number[];
  /** Whether the output has names for its classes, which the server knows. */
  readonly hasLabels: boolean;
}

/** Sends a request to the server, again where that may help. `what` is for the log. */
export type AskServer = <T>(
  what: string,
  send: (client: InferenceClient, call: CallOptions) => Promise<T>,
  signal?: AbortSignal,
) => Promise<T>;

/** In a batch, for a model whose first dimension varies although it names no greatest batch. */
const openBatchMax = 8;

const pictureTypes: ReadonlySet<string> = new Set(['FP32', 'FP16', 'UINT8']);
const answerTypes: ReadonlySet<string> = new Set(['FP32', 'FP16', 'BF16', 'FP64']);

/** One output, as the configuration has it. */
interface OutputConfig {
  readonly name?: unknown;
  readonly label_filename?: unknown;
}

/**
 * Asks the server for a model's inputs and outputs, so that the same code serves an ONNX model here and a TensorRT plan there.
 * @param openSize The picture's size for a model whose input varies.
 * @throws UnsupportedModelError for a model that takes no picture, or gives no detections.
 */
export async function describeDetector(
  name: string,
  ask: AskServer,
  openSize: Size,
): Promise<DetectorModel> {
  const metadata = await ask(`metadata of ${name}`, (client, call) =>
    client.modelMetadata(name, undefined, call),
  );
  const config = await ask(`configuration of ${name}`, (client, call) =>
    client.modelConfig(name, undefined, call),
  );
  const input = pictureInput(metadata);
  const output = answerOutput(metadata);
  const configured = Array.isArray(config['output']) ? (config['output'] as OutputConfig[]) : [];
  const labels = configured.find((entry) => entry.name === output.name)?.label_filename;
  return {
    name,
    inputName: input.name,
    format: formatOf(name, input, openSize),
    ...batchOf(Number(config.max_batch_size), input.shape[0] as number),
    outputName: output.name,
    outputShape: output.shape,
    hasLabels: typeof labels === 'string' && labels !== '',
  };
}

function pictureInput({ name, inputs }: ModelMetadata): TensorMetadata {
  const [input] = inputs;
  if (inputs.length === 1 && input?.shape.length === 4 && pictureTypes.has(input.datatype)) {
    return input;
  }
  throw new UnsupportedModelError(
    `model '${name}' takes ${listed(inputs)}: a detector takes one picture, [N, 3, height, width] of FP32, FP16 or UINT8`,
  );
}

function answerOutput({ name, outputs }: ModelMetadata): TensorMetadata {
  const fits = ({ datatype, shape }: TensorMetadata): boolean =>
    answerTypes.has(datatype) && (shape.length === 3 || shape.length === 2);
  const found = outputs.find((output) => output.shape.length === 3 && fits(output));
  const output = found ?? outputs.find(fits);
  if (output !== undefined) return output;
  throw new UnsupportedModelError(
    `model '${name}' gives ${listed(outputs)}: a detector gives [N, K, 6] or [N, 4 + classes, anchors]`,
  );
}

function listed(tensors: readonly TensorMetadata[]): string {
  if (tensors.length === 0) return 'nothing';
  return tensors.map((each) => `'${each.name}' ${each.datatype} [${each.shape}]`).join(', ');
}

function formatOf(model: string, input: TensorMetadata, open: Size): InputFormat {
  const [, ...dims] = input.shape as readonly [number, number, number, number];
  const layout = dims[0] === 3 ? 'NCHW' : dims[2] === 3 ? 'NHWC' : null;
  if (layout === null) {
    throw new UnsupportedModelError(
      `input '${input.name}' of model '${model}' has the shape [${input.shape}]: three colours are expected`,
    );
  }
  const [height, width] = layout === 'NCHW' ? dims.slice(1) : dims;
  return {
    datatype: input.datatype as PictureDataType,
    layout,
    width: width === undefined || width < 1 ? open.width : width,
    height: height === undefined || height < 1 ? open.height : height,
  };
}

function batchOf(maxBatchSize: number, first: number): { batchMax: number; batchFixed: boolean } {
  if (maxBatchSize > 0) return { batchMax: maxBatchSize, batchFixed: false };
  return first < 1
    ? { batchMax: openBatchMax, batchFixed: false }
    : { batchMax: first, batchFixed: true };
}
