import { readFileSync } from 'node:fs';

/** Set by the bundler, whose output has lines of its own that mean nothing to a reader. */
declare const NEREID_BUNDLED: boolean | undefined;

const bundled = typeof NEREID_BUNDLED !== 'undefined';

/** A line of a source file. */
export interface CallerPlace {
  /** Name without its folder. */
  readonly file: string;
  /** From 1; 0 where it is not known. */
  readonly line: number;
}

/** By place in a bundle, `chunk.js:12:345`, the place in the sources, `file.ts:67`. */
type BundledPlaces = Readonly<Record<string, string>>;

let bundledPlaces: BundledPlaces | null = null;

/**
 * From where `callee` was called, as log lines show it. Costs a stack trace: only for lines that are written.
 * @param unknown What stands for the file where that cannot be told.
 */
export function callerPlace(callee: (...args: never[]) => unknown, unknown: string): CallerPlace {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 1;
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callee);
  Error.stackTraceLimit = limit;
  if (bundled) bundledPlaces ??= readBundledPlaces();
  return placeInStack(holder.stack ?? '', bundledPlaces) ?? { file: unknown, line: 0 };
}

/** Of a stack's only frame. @param places Of the bundle that the frame is in; null for sources. */
export function placeInStack(stack: string, places: BundledPlaces | null): CallerPlace | null {
  const [, file = '', line = '', column = ''] =
    /([^/\\(\s]+):(\d+):(\d+)\)?$/.exec(stack.trimEnd()) ?? [];
  // With --enable-source-maps a stack of the bundle names the sources by itself.
  if (places === null || file.endsWith('.ts')) {
    return file === '' ? null : { file, line: Number(line) };
  }
  const [sourceFile = '', sourceLine] = places[`${file}:${line}:${column}`]?.split(':') ?? [];
  return sourceFile === '' ? null : { file: sourceFile, line: Number(sourceLine) };
}

/** What the build wrote beside the bundle; nothing where somebody has put us into a bundle of theirs. */
function readBundledPlaces(): BundledPlaces {
  try {
    const text = readFileSync(new URL('./log-places.json', import.meta.url), 'utf8');
    return JSON.parse(text) as BundledPlaces;
  } catch {
    return {};
  }
}
