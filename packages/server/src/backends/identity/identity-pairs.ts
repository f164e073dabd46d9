import { type ModelConfig, TritonError } from '@nereid/protocol';

/**
 * Every INPUTn needs an OUTPUTn of the same type and shape.
 *
 * @throws TritonError INVALID_ARG with the texts of Triton's backend.
 */
export function checkIdentityPairs(config: ModelConfig): void {
  if (config.input.length !== config.output.length) {
    throw invalid('model configuration must have equal input/output pairs');
  }
  for (const { name } of config.input) {
    if (!/^INPUT\d+$/u.test(name)) {
      throw invalid(`expected input name to follow INPUT<index> pattern, got '${name}'`);
    }
  }
  for (const output of config.output) {
    if (!/^OUTPUT\d+$/u.test(output.name)) {
      throw invalid(`expected output name to follow OUTPUT<index> pattern, got '${output.name}'`);
    }
    const input = config.input.find(
      (entry) => entry.name.slice('INPUT'.length) === output.name.slice('OUTPUT'.length),
    );
    if (input === undefined) throw invalid('expected input and output indices to match');
    if (input.data_type !== output.data_type) {
      throw invalid(
        `expected input and output datatype to match, got ${input.data_type} and ${output.data_type}`,
      );
    }
    if (input.dims.join() !== output.dims.join()) {
      throw invalid(
        `expected input and output shape to match, got [${input.dims.join(',')}] and [${output.dims.join(',')}]`,
      );
    }
  }
}

function invalid(text: string): TritonError {
  return new TritonError('INVALID_ARG', text);
}
