import type { ModelConfig, ModelInput, ModelOutput } from '@nereid/protocol';
import { type ConfigSource, invalidConfig } from './config-source.ts';
import { elementCount, variableSize } from './element-count.ts';

/** @throws ModelConfigError INVALID_ARG */
export function validateIoShape(
  config: ModelConfig,
  io: ModelInput | ModelOutput,
  kind: 'input' | 'output',
  index: number,
  source: ConfigSource | null,
): void {
  const fail = (problem: string, field: string, fix: string): Error => {
    const name = io.name === '' ? '' : `'${io.name}' `;
    const message = `model ${kind} ${name}${problem} for ${config.name}`;
    return invalidConfig(message, source, [kind, index, field], fix);
  };
  if (io.name === '') throw fail("must specify 'name'", 'name', 'add name');
  if (io.data_type === 'TYPE_INVALID') {
    throw fail("must specify 'data_type'", 'data_type', 'add data_type, such as TYPE_FP32');
  }
  if (io.dims.length === 0) {
    const fix = 'add dims without the batch dimension, such as dims: [ 4 ]; [ 1 ] for a scalar';
    throw fail("must specify 'dims'", 'dims', fix);
  }
  const shape = io.reshape?.shape ?? null;
  if (shape?.length === 0 && config.max_batch_size === 0) {
    throw fail(
      'cannot have empty reshape for non-batching model as scalar tensors are not supported',
      'reshape',
      'remove reshape',
    );
  }
  const limits = 'must be integer >= 1, or -1 to indicate a variable-size dimension';
  if (io.dims.some(wrongDimension)) {
    throw fail(`dimension ${limits}`, 'dims', 'use -1 for a size that varies');
  }
  if (shape === null) return;
  if (shape.some(wrongDimension)) {
    throw fail(`reshape dimensions ${limits}`, 'reshape', 'use -1 for a size that varies');
  }
  const problem = reshapeProblem(io.dims, shape);
  if (problem === null) return;
  throw fail(
    problem,
    'reshape',
    `give reshape the same number of elements as dims [${io.dims.join(', ')}]`,
  );
}

function wrongDimension(dimension: number): boolean {
  return dimension < 1 && dimension !== variableSize;
}

/** Why a shape cannot be had by only reordering the extents of another, or null when it can. */
function reshapeProblem(dims: readonly number[], shape: readonly number[]): string | null {
  const size = elementCount(dims);
  const reshapeSize = elementCount(shape);
  const different = 'has different size for dims and reshape';
  if (size !== reshapeSize && !(shape.length === 0 && size === 1n)) return different;
  if (size !== BigInt(variableSize)) return null;
  const runs = fixedRuns(dims);
  const reshapeRuns = fixedRuns(shape);
  if (runs.length !== reshapeRuns.length) {
    return 'has different number of variable-size dimensions for dims and reshape';
  }
  return runs.every((count, index) => count === reshapeRuns[index]) ? null : different;
}

/** Element counts of the parts between sizes that vary: [2, 4, -1, 6] → 8, 6. */
function fixedRuns(dims: readonly number[]): bigint[] {
  const runs = [1n];
  for (const dimension of dims) {
    if (dimension === variableSize) runs.push(1n);
    else runs[runs.length - 1] = (runs.at(-1) ?? 1n) * BigInt(dimension);
  }
  return runs;
}
