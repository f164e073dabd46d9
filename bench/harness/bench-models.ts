import { type OnnxNodeSpec, type OnnxTensorSpec, onnxModel } from '@nereid/test-kit';

/** The same numbers every time, small and of both signs, so that nothing overflows or turns denormal. */
function weights(name: string, shape: readonly number[]): OnnxTensorSpec {
  const count = shape.reduce((product, dim) => product * dim, 1);
  const values = Float32Array.from(
    { length: count },
    (_, index) => (((index * 7919) % 17) - 8) / 64,
  );
  return { name, type: 'FLOAT', shape, data: new Uint8Array(values.buffer) };
}

/** An image of the convolutional network: three channels. */
export const networkShape: readonly number[] = [1, 3, 224, 224];

/** Channels of each stage; the first convolution of a stage halves the image. */
const networkChannels: readonly number[] = [32, 64, 128, 256];
const convolutionsPerStage = 9;

/**
 * A convolutional network of middling size: `INPUT` (an image) → `OUTPUT` [1,10] in 3.9 billion
 * multiplications, of which ResNet-50 takes 4.1: some forty milliseconds on one core.
 *
 * @param batch Images in a run; a name for any number of them.
 */
export function convolutionalNetwork(batch: number | string = 1): Uint8Array {
  const nodes: OnnxNodeSpec[] = [];
  const initializers: OnnxTensorSpec[] = [];
  let channels = 3;
  let value = 'INPUT';
  const convolve = (filters: number, stride: bigint): void => {
    const layer = initializers.length;
    initializers.push(weights(`kernel${layer}`, [filters, channels, 3, 3]));
    nodes.push(
      {
        op: 'Conv',
        inputs: [value, `kernel${layer}`],
        outputs: [`convolved${layer}`],
        attributes: { pads: [1n, 1n, 1n, 1n], strides: [stride, stride], kernel_shape: [3n, 3n] },
      },
      { op: 'Relu', inputs: [`convolved${layer}`], outputs: [`activated${layer}`] },
    );
    channels = filters;
    value = `activated${layer}`;
  };
  for (const filters of networkChannels) {
    convolve(filters, 2n);
    for (let layer = 1; layer < convolutionsPerStage; layer += 1) convolve(filters, 1n);
  }
  initializers.push(weights('classes', [channels, 10]));
  nodes.push(
    { op: 'GlobalAveragePool', inputs: [value], outputs: ['pooled'] },
    { op: 'Flatten', inputs: ['pooled'], outputs: ['features'] },
    { op: 'MatMul', inputs: ['features', 'classes'], outputs: ['OUTPUT'] },
  );
  return onnxModel({
    nodes,
    initializers,
    inputs: [{ name: 'INPUT', type: 'FLOAT', shape: [batch, ...networkShape.slice(1)] }],
    outputs: [{ name: 'OUTPUT', type: 'FLOAT', shape: [batch, 10] }],
  });
}

/** Columns and rows of the weights of the wide model: 20 MiB. */
const wideRows = 2048;
const wideColumns = 2560;

export const wideShape: readonly number[] = [1, wideRows];

/** One multiplication with 20 MiB of weights: `INPUT` → `OUTPUT`. */
export function wideModel(): Uint8Array {
  return onnxModel({
    nodes: [{ op: 'MatMul', inputs: ['INPUT', 'weights'], outputs: ['OUTPUT'] }],
    inputs: [{ name: 'INPUT', type: 'FLOAT', shape: wideShape }],
    outputs: [{ name: 'OUTPUT', type: 'FLOAT', shape: [1, wideColumns] }],
    initializers: [weights('weights', [wideRows, wideColumns])],
  });
}

/** Columns of the layered model: a vector of 2 KiB in and out. */
export const layeredColumns = 512;

/** Two layers of a megabyte of weights each, for batches of any size: `INPUT` [N,512] → `OUTPUT` [N,512]. */
export function layeredModel(): Uint8Array {
  const shape = ['N', layeredColumns] as const;
  return onnxModel({
    nodes: [
      { op: 'MatMul', inputs: ['INPUT', 'first'], outputs: ['weighted'] },
      { op: 'Relu', inputs: ['weighted'], outputs: ['hidden'] },
      { op: 'MatMul', inputs: ['hidden', 'second'], outputs: ['OUTPUT'] },
    ],
    inputs: [{ name: 'INPUT', type: 'FLOAT', shape }],
    outputs: [{ name: 'OUTPUT', type: 'FLOAT', shape }],
    initializers: [
      weights('first', [layeredColumns, layeredColumns]),
      weights('second', [layeredColumns, layeredColumns]),
    ],
  });
}

/** Numbers of a request for the convolving model. */
export const convolvedLength = 4096;

/** A convolution that costs the same for every row: `INPUT` [N,1,4096] → `OUTPUT` [N,1,4096]. */
export function convolvingModel(): Uint8Array {
  const shape = ['N', 1, convolvedLength] as const;
  return onnxModel({
    nodes: [
      {
        op: 'Conv',
        inputs: ['INPUT', 'kernel'],
        outputs: ['filtered'],
        attributes: { pads: [31n, 32n], kernel_shape: [64n] },
      },
      { op: 'Tanh', inputs: ['filtered'], outputs: ['OUTPUT'] },
    ],
    inputs: [{ name: 'INPUT', type: 'FLOAT', shape }],
    outputs: [{ name: 'OUTPUT', type: 'FLOAT', shape }],
    initializers: [weights('kernel', [1, 1, 64])],
  });
}
