import { TritonError } from '@nereid/protocol';
import type { ModelRegistry } from '../lifecycle/served-model.ts';
import type { TraceManager } from '../observability/tracing/trace-manager.ts';
import type { TraceChange, TraceStatus } from '../observability/tracing/trace-setting-values.ts';

/**
 * What a client wants of a setting, in the words of the wire: null clears it, undefined leaves it.
 * Numbers are texts on both wires.
 */
export interface TraceRequest {
  /** True where it names a file, whichever: that is refused. */
  readonly file: boolean;
  readonly level: readonly string[] | null | undefined;
  readonly rate: string | null | undefined;
  readonly count: string | null | undefined;
  readonly logFrequency: string | null | undefined;
}

/** The one text that differs between the wires. */
export type CountRefusal = (text: string) => string;

const int32Max = 2_147_483_647;
const uint32Max = 4_294_967_295;
/** Below it no number of traces makes sense; it stands for any number. */
const countMin = -1;

/** The trace extension, the same for every front end. */
export class TraceControl {
  readonly #manager: TraceManager;
  readonly #registry: ModelRegistry;

  /** @param registry Tells which models serve. */
  constructor(manager: TraceManager, registry: ModelRegistry) {
    this.#manager = manager;
    this.#registry = registry;
  }

  /** @param modelName '' for the global settings. @throws TritonError INVALID_ARG for a model that does not serve. */
  status(modelName: string): TraceStatus {
    this.refuseUnknown(modelName);
    return this.#manager.status(modelName);
  }

  /**
   * Changes settings, all or none; they hold for requests from now on.
   *
   * @param modelName '' for the global settings.
   * @throws TritonError with Triton's texts: UNSUPPORTED for the file, since a client must not choose
   *   what the server writes to, else INVALID_ARG.
   */
  change(modelName: string, request: TraceRequest, countRefusal: CountRefusal): void {
    this.refuseUnknown(modelName);
    this.#manager.update(modelName, traceChange(request, countRefusal));
  }

  /** @throws TritonError INVALID_ARG; both wires say so before they look at the settings. */
  refuseUnknown(modelName: string): void {
    if (modelName === '') return;
    try {
      this.#registry.find(modelName, null);
    } catch (failure) {
      if (!(failure instanceof TritonError)) throw failure;
      throw new TritonError('INVALID_ARG', `Request for unknown model : ${modelName}`);
    }
  }
}

/** @throws TritonError of the first setting in Triton's order that is wrong. */
function traceChange(request: TraceRequest, countRefusal: CountRefusal): TraceChange {
  if (request.file) {
    throw new TritonError(
      'UNSUPPORTED',
      'trace file location can not be updated through network protocol',
    );
  }
  const change: { -readonly [Name in keyof TraceChange]: TraceChange[Name] } = {};
  const level = request.level == null ? request.level : traceLevel(request.level);
  if (level !== undefined) change.level = level;
  const rate = ifGiven(request.rate, (text) => integer('trace_rate', text, 0, uint32Max) >>> 0);
  if (rate !== undefined) change.rate = rate;
  const count = ifGiven(request.count, (text) => traceCount(text, countRefusal));
  if (count !== undefined) change.count = count;
  const frequency = ifGiven(
    request.logFrequency,
    (text) => integer('log_frequency', text, 0, uint32Max) >>> 0,
  );
  if (frequency !== undefined) change.logFrequency = frequency;
  return change;
}

function ifGiven(
  text: string | null | undefined,
  read: (text: string) => number,
): number | null | undefined {
  return text == null ? text : read(text);
}

/** Levels that are not known are passed over, as in Triton; with no other the level stays as it is. */
function traceLevel(names: readonly string[]): TraceChange['level'] {
  if (names.includes('OFF') && names.length > 1) {
    throw new TritonError('INVALID_ARG', "Expect only one trace level 'OFF' is specified");
  }
  const timestamps = names.includes('TIMESTAMPS');
  const tensors = names.includes('TENSORS');
  if (!timestamps && !tensors && !names.includes('OFF')) return undefined;
  return { timestamps, tensors };
}

function traceCount(text: string, countRefusal: CountRefusal): number {
  const count = integer('trace_count', text, countMin, int32Max);
  if (count >= countMin) return count;
  throw new TritonError('INVALID_ARG', countRefusal(text));
}

/**
 * As C++'s `stoi` reads a number: blanks before it and anything behind it are passed over, and 32 bits
 * with sign are what it may have, whatever range the text promises.
 */
function integer(name: string, text: string, min: number, max: number): number {
  const digits = /^[ \t\n\v\f\r]*([+-]?[0-9]+)/.exec(text)?.[1];
  if (digits === undefined) {
    throw new TritonError('INVALID_ARG', `Unable to parse '${name}', got: ${text}`);
  }
  const value = Number(digits);
  if (value >= -int32Max - 1 && value <= int32Max) return value;
  throw new TritonError(
    'INVALID_ARG',
    `Unable to parse '${name}', value is out of range [ ${min}, ${max} ], got: ${text}`,
  );
}

/** The levels as the wire names them. */
export function levelNames({ level }: TraceStatus): readonly string[] {
  const { timestamps, tensors } = level;
  if (!timestamps && !tensors) return ['OFF'];
  return [...(timestamps ? ['TIMESTAMPS'] : []), ...(tensors ? ['TENSORS'] : [])];
}

/** Names and values as the wire has them, but for the level. Of a name that comes twice both count. */
export function settingTexts(status: TraceStatus): (readonly [name: string, value: string])[] {
  const { mode, rate, count, logFrequency, file, modeSettings } = status;
  return [
    ['trace_rate', String(rate)],
    ['trace_count', String(count)],
    ...(mode === 'triton'
      ? ([
          ['log_frequency', String(logFrequency)],
          ['trace_file', file],
        ] as const)
      : []),
    ['trace_mode', mode],
    ...modeSettings,
  ];
}
