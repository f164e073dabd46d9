export type RealModels =
  | { readonly available: true; readonly repository: string }
  | { readonly available: false; readonly reason: string };

/** Gives a repository of models from pinned packages, made under .cache if need be, or why it cannot. */
export function ensureRealModels(): RealModels;
