/** A Python with OpenVINO, or why there is none here. */
export type OpenvinoEnv =
  | { readonly available: true; readonly python: string }
  | { readonly available: false; readonly reason: string };

/** Installs it into .cache if need be. */
export function ensureOpenvinoEnv(): OpenvinoEnv;
