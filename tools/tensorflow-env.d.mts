/** A Python with TensorFlow, or why there is none here. */
export type TensorflowEnv =
  | { readonly available: true; readonly python: string }
  | { readonly available: false; readonly reason: string };

/** Installs it into .cache if need be. */
export function ensureTensorflowEnv(): TensorflowEnv;
