export type PerfAnalyzer =
  | { readonly available: true; readonly path: string; readonly env: Record<string, string> }
  | { readonly available: false; readonly reason: string };

/** Gives Triton's perf_analyzer, downloaded into .cache if need be, or why it cannot run here. */
export function ensurePerfAnalyzer(): PerfAnalyzer;
