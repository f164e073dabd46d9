import { type OnnxNodeSpec, type OnnxTensorSpec, onnxModel } from './onnx-writer.ts';

/** What the detector can find, in the order of its classes. */
export const shapeColours: readonly string[] = ['red', 'green', 'blue'];

export interface ShapesDetectorOptions {
  /** Rows of finished detections, [N, 300, 6], or a rectangle and scores of every cell, [N, 7, 6400]. */
  readonly head: 'end-to-end' | 'raw';
  /** Default FLOAT, from 0 to 1; UINT8 has levels from 0 to 255. */
  readonly inputType?: 'FLOAT' | 'FLOAT16' | 'UINT8';
  /** Default NCHW. */
  readonly layout?: 'NCHW' | 'NHWC';
  /** The batch of a model that takes no other. Default: any. */
  readonly batch?: number;
}

const side = 640;
const stride = 8;
const cells = side / stride;
const cellCount = cells * cells;
const classes = shapeColours.length;
const rowsMax = 300;
/** What of a cell's colour counts: half a cell of a pure shape. */
const scoreMin = 0.44;
/** How far the cells of a shape tell one another of its edges: shapes of up to 256 pixels. */
const steps = 32;

function floats(name: string, shape: readonly number[], values: ArrayLike<number>): OnnxTensorSpec {
  return { name, type: 'FLOAT', shape, data: new Uint8Array(Float32Array.from(values).buffer) };
}

function integers(name: string, values: readonly number[]): OnnxTensorSpec {
  const data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return { name, type: 'INT64', shape: [values.length], data };
}

function node(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: OnnxNodeSpec['attributes'] = {},
): OnnxNodeSpec {
  return { op, inputs, outputs: [output], attributes };
}

/** The mean over a cell of how much more there is of one colour than of the others. */
function colourWeights(): Float32Array {
  const weights = new Float32Array(classes * 3 * stride * stride);
  for (let i = 0; i < weights.length; i++) {
    const colour = Math.floor(i / (stride * stride)) % 3;
    const own = Math.floor(i / (3 * stride * stride)) === colour;
    weights[i] = (own ? 1.25 : -0.625) / (stride * stride);
  }
  return weights;
}

/** A map of the cells, the same for each class. */
function places(value: (row: number, column: number) => number): number[] {
  const map = Array.from({ length: cellCount }, (_, i) => value(Math.floor(i / cells), i % cells));
  return Array.from({ length: classes }, () => map).flat();
}

/** From the pixels to the scores of the cells, [N, classes, cells, cells], and which belong to a shape. */
function scoreNodes({
  inputType = 'FLOAT',
  layout = 'NCHW',
}: ShapesDetectorOptions): OnnxNodeSpec[] {
  const planar = layout === 'NCHW' ? 'images' : 'planes';
  const level = inputType === 'UINT8' ? 'level' : 'pixels';
  return [
    ...(planar === 'images'
      ? []
      : [node('Transpose', ['images'], planar, { perm: [0n, 3n, 1n, 2n] })]),
    node('Cast', [planar], level, { to: 1n }),
    ...(level === 'pixels' ? [] : [node('Div', [level, 'white'], 'pixels')]),
    node('Conv', ['pixels', 'colours'], 'contrast', { strides: [BigInt(stride), BigInt(stride)] }),
    node('Clip', ['contrast', 'zero', 'one'], 'score'),
    node('Greater', ['score', 'score_min'], 'is_shape'),
    node('Cast', ['is_shape'], 'shape_cells', { to: 1n }),
    node('Mul', ['score', 'shape_cells'], 'shape_score'),
  ];
}

/**
 * Lets the cells of a shape agree on its edges, its best score and its first cell: each takes the greatest value of its
 * neighbours, again and again, and cells of no shape stay at 0.
 */
function spreadNodes(): OnnxNodeSpec[] {
  const parts = ['right', 'left', 'bottom', 'top', 'number'];
  const own = parts.map((part) => node('Mul', ['shape_cells', `${part}_of`], `own_${part}`));
  const spread: OnnxNodeSpec[] = [];
  for (let step = 0; step < steps; step++) {
    spread.push(
      node('MaxPool', [`spread_${step}`], `pooled_${step}`, {
        kernel_shape: [3n, 3n],
        pads: [1n, 1n, 1n, 1n],
      }),
      node('Mul', [`pooled_${step}`, 'all_cells'], `spread_${step + 1}`),
    );
  }
  const names = [...parts.map((part) => `own_${part}`), 'shape_score'];
  const copies = names.map(() => 'shape_cells');
  return [
    ...own,
    node('Concat', names, 'spread_0', { axis: 1n }),
    node('Concat', copies, 'all_cells', { axis: 1n }),
    ...spread,
    node('Reshape', [`spread_${steps}`, 'by_part'], 'parts_by_class'),
    node('ReduceSum', ['parts_by_class', 'axis_2'], 'parts', { keepdims: 0n }),
    node('ReduceSum', ['shape_cells', 'axis_1'], 'any_cell'),
    node('Concat', ['parts', 'any_cell'], 'facts', { axis: 1n }),
    node('Conv', ['facts', 'box_weights'], 'box_map'),
    node('Reshape', ['box_map', 'as_boxes'], 'boxes'),
  ];
}

const rawNodes: readonly OnnxNodeSpec[] = [
  node('Reshape', ['shape_score', 'as_scores'], 'scores'),
  node('Concat', ['boxes', 'scores'], 'output0', { axis: 1n }),
];

/** Of each shape its last cell speaks, with the best score; the 300 best are given. */
const endToEndNodes: readonly OnnxNodeSpec[] = [
  node('ReduceSum', ['own_number', 'axis_1'], 'own_number_of_cell'),
  {
    op: 'Split',
    inputs: ['parts', 'split_parts'],
    outputs: ['edges', 'shape_number', 'shape_best'],
    attributes: { axis: 1n },
  },
  node('Equal', ['shape_number', 'own_number_of_cell'], 'speaks_or_empty'),
  node('Cast', ['speaks_or_empty'], 'speaks', { to: 1n }),
  node('Mul', ['speaks', 'shape_best'], 'spoken_score'),
  node('Reshape', ['spoken_score', 'as_column'], 'score_column'),
  node('ArgMax', ['shape_score'], 'class_map', { axis: 1n }),
  node('Cast', ['class_map'], 'class_numbers', { to: 1n }),
  node('Reshape', ['class_numbers', 'as_column'], 'class_column'),
  node('Transpose', ['boxes'], 'box_rows', { perm: [0n, 2n, 1n] }),
  node('Concat', ['box_rows', 'score_column', 'class_column'], 'rows', { axis: 2n }),
  {
    op: 'TopK',
    inputs: ['score_column', 'rows_max'],
    outputs: ['best', 'best_at'],
    attributes: { axis: 1n },
  },
  node(
    'Concat',
    Array.from({ length: 6 }, () => 'best_at'),
    'best_rows',
    { axis: 2n },
  ),
  node('GatherElements', ['rows', 'best_rows'], 'output0', { axis: 1n }),
];

/** Right, left, bottom and top edge (counted from their own sides), number, score and 1 → a rectangle. */
function boxWeights(head: ShapesDetectorOptions['head']): number[] {
  const far = stride;
  const half = stride / 2;
  if (head === 'end-to-end') {
    return [
      ...[0, -far, 0, 0, 0, 0, side],
      ...[0, 0, 0, -far, 0, 0, side],
      ...[far, 0, 0, 0, 0, 0, 0],
      ...[0, 0, far, 0, 0, 0, 0],
    ];
  }
  return [
    ...[half, -half, 0, 0, 0, 0, side / 2],
    ...[0, 0, half, -half, 0, 0, side / 2],
    ...[far, far, 0, 0, 0, 0, -side],
    ...[0, 0, far, far, 0, 0, -side],
  ];
}

function constants(head: ShapesDetectorOptions['head']): OnnxTensorSpec[] {
  const map = [1, classes, cells, cells];
  return [
    floats('colours', [classes, 3, stride, stride], colourWeights()),
    floats('white', [], [255]),
    floats('zero', [], [0]),
    floats('one', [], [1]),
    floats('score_min', [], [scoreMin]),
    floats(
      'right_of',
      map,
      places((_, column) => column + 1),
    ),
    floats(
      'left_of',
      map,
      places((_, column) => cells - column),
    ),
    floats(
      'bottom_of',
      map,
      places((row) => row + 1),
    ),
    floats(
      'top_of',
      map,
      places((row) => cells - row),
    ),
    floats(
      'number_of',
      map,
      places((row, column) => row * cells + column + 1),
    ),
    floats('box_weights', [4, 7, 1, 1], boxWeights(head)),
    integers('by_part', [0, 6, classes, cells, cells]),
    integers('axis_1', [1]),
    integers('axis_2', [2]),
    integers('as_boxes', [0, 4, cellCount]),
    integers('as_scores', [0, classes, cellCount]),
    integers('as_column', [0, cellCount, 1]),
    integers('split_parts', [4, 1, 1]),
    integers('rows_max', [rowsMax]),
  ];
}

/**
 * A detector without training: it finds red, green and blue shapes of 16 to 256 pixels on other colours, in pictures of 640 x 640.
 * A convolution tells the colour of each cell of 8 x 8 pixels; the cells of a shape then agree on its edges.
 */
export function shapesDetector(options: ShapesDetectorOptions): Uint8Array {
  const { head, inputType = 'FLOAT', layout = 'NCHW', batch = 'batch' } = options;
  const picture = layout === 'NCHW' ? [3, side, side] : [side, side, 3];
  const answer = head === 'raw' ? [4 + classes, cellCount] : [rowsMax, 6];
  const nodes = [
    ...scoreNodes(options),
    ...spreadNodes(),
    ...(head === 'raw' ? rawNodes : endToEndNodes),
  ];
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  return onnxModel({
    nodes,
    inputs: [{ name: 'images', type: inputType, shape: [batch, ...picture] }],
    outputs: [{ name: 'output0', type: 'FLOAT', shape: [batch, ...answer] }],
    initializers: constants(head).filter(({ name }) => used.has(name)),
  });
}
