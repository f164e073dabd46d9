import type { ModelConfig } from '@nereid/protocol';

/**
 * Parts models so that those of a later part are needed by earlier ones: an ensemble with requests in
 * flight still calls the models of its steps, which must take requests until it is done.
 */
export function stopOrder<M extends { readonly config: ModelConfig }>(
  models: readonly M[],
): readonly (readonly M[])[] {
  const parts: M[][] = [];
  let left = models;
  for (;;) {
    const needed = new Set(left.flatMap(({ config }) => stepNames(config)));
    const free = left.filter(({ config }) => isEnsemble(config) && !needed.has(config.name));
    if (free.length === 0) break;
    parts.push(free);
    left = left.filter((model) => !free.includes(model));
  }
  return left.length === 0 ? parts : [...parts, [...left]];
}

function isEnsemble(config: ModelConfig): boolean {
  return config.ensemble_scheduling !== null;
}

function stepNames(config: ModelConfig): readonly string[] {
  return config.ensemble_scheduling?.step.map(({ model_name }) => model_name) ?? [];
}
