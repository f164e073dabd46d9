export type GoTool =
  | { readonly available: true; readonly path: string }
  | { readonly available: false; readonly reason: string };

/** Gives a program that `go install` builds from `module`, or why it cannot be had here. */
export function ensureGoTool(module: string, name: string): GoTool;
