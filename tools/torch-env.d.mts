/** A Python with PyTorch and transformers, or why there is none here. */
export type TorchEnv =
  | { readonly available: true; readonly python: string }
  | { readonly available: false; readonly reason: string };

/** Installs it into .cache if need be. */
export function ensureTorchEnv(): TorchEnv;
