export type GoTool =
  | { readonly available: true; readonly path: string }
  | { readonly available: false; readonly reason: string };

/** Gives a program that `go install` builds from `module`, or why it cannot be had here. */
export function ensureGoTool(module: string, name: string): GoTool;

/** As `ensureGoTool`, for a program whose go.mod replaces other modules: `go install` refuses those. */
export function ensureGoToolOfReplacingModule(module: string, name: string): GoTool;

/** As `ensureGoTool`, for a program of this repository: `source` is its folder. */
export function ensureOwnGoTool(source: string, name: string): GoTool;
