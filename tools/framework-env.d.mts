/** A Python with a framework, or why there is none here. */
export type FrameworkEnv =
  | { readonly available: true; readonly python: string }
  | { readonly available: false; readonly reason: string };
