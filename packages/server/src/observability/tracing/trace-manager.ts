import { TritonError } from '@nereid/protocol';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { FrontEndTrace, HeaderLookup } from './front-end-trace.ts';
import type { SpanSource } from './span-source.ts';
import { TraceFile } from './trace-file.ts';
import { TraceSetting } from './trace-setting.ts';
import {
  isOff,
  type TraceChange,
  type TraceSettingValues,
  type TraceStatus,
  type TraceTarget,
} from './trace-setting-values.ts';
import { TritonTrace } from './triton-trace.ts';

/** Models that may have settings of their own: names of models that are gone stay until they are cleared. */
const modelSettingsMax = 10_000;

const valueNames = ['level', 'rate', 'count', 'logFrequency'] as const;

export interface TraceManagerOptions {
  readonly values: TraceSettingValues;
  readonly target: TraceTarget;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Makes the spans of mode `opentelemetry`; null in the other. */
  readonly spans: SpanSource | null;
  /** What the machine's monotonic clock is ahead of `clock`. */
  readonly monotonicOffsetNs: bigint;
}

/**
 * Decides which requests are traced, and keeps the settings that say so: those of the command line,
 * the global ones, which clients can change, and those of single models. What a model or a client
 * did not set is taken from the one above.
 */
export class TraceManager {
  readonly #options: TraceManagerOptions;
  readonly #file: TraceFile;
  readonly #default: TraceSetting;
  #global: TraceSetting;
  readonly #models = new Map<string, TraceSetting>();
  /** Those that were replaced while requests were under way. */
  readonly #retired = new Set<TraceSetting>();
  #lastId = 0;
  #enabled = false;

  constructor(options: TraceManagerOptions) {
    this.#options = options;
    const { target, logger, monotonicOffsetNs } = options;
    this.#file = new TraceFile({ path: target.file, offsetNs: monotonicOffsetNs, logger });
    this.#default = this.#make(options.values, new Set());
    this.#global = this.#make(options.values, new Set());
    this.#look();
  }

  /** False while no request whatsoever is traced: ask before taking times. */
  get enabled(): boolean {
    return this.#enabled;
  }

  /** Nanoseconds, for times that are captured. */
  nowNs(): number {
    return this.#options.clock.nowNs();
  }

  /**
   * Counts a request, and traces it when it is its turn.
   *
   * @param headers Of the request, for the trace context of its client.
   * @returns Null for a request that is not traced. Its owner closes it.
   */
  sample(modelName: string, headers: HeaderLookup): FrontEndTrace | null {
    if (!this.#enabled) return null;
    const setting = this.#settingOf(modelName);
    if (isOff(setting.values.level)) return null;
    const { spans } = this.#options;
    if (spans === null) return setting.sample(false) ? this.#trace(setting) : null;
    const parent = spans.parentOf(headers);
    if (!setting.sample(parent !== null)) return null;
    return spans.begin(parent, setting.values.level, ++this.#lastId, () => ++this.#lastId);
  }

  /** @param modelName '' for the global settings. */
  status(modelName: string): TraceStatus {
    const setting = this.#settingOf(modelName);
    return { ...setting.values, count: setting.count, ...this.#options.target };
  }

  /**
   * Changes some values of a model's settings, or of the global ones and with them those of all models
   * that take them from there. Requests under way keep to what was.
   *
   * @param modelName '' for the global settings.
   * @throws TritonError INVALID_ARG with Triton's texts for settings that would trace nothing, but for
   *   those with tracing off.
   */
  update(modelName: string, change: TraceChange): void {
    this.#updateOne(modelName, change);
    if (modelName === '') {
      for (const name of [...this.#models.keys()]) this.#updateOne(name, {});
    }
    this.#look();
  }

  /** Writes and exports what there is, and gives up what is under way. */
  async close(): Promise<void> {
    this.#enabled = false;
    for (const setting of [...this.#retired, ...this.#models.values(), this.#global]) {
      setting.flush();
    }
    await this.#file.close();
    await this.#options.spans?.close();
  }

  #settingOf(modelName: string): TraceSetting {
    if (this.#models.size === 0) return this.#global;
    return this.#models.get(modelName) ?? this.#global;
  }

  #trace(setting: TraceSetting): FrontEndTrace {
    setting.open();
    return new TritonTrace({
      level: setting.values.level,
      clock: this.#options.clock,
      nextId: () => ++this.#lastId,
      complete: (group) => {
        setting.collect(group);
        if (setting.unused) this.#retired.delete(setting);
      },
    });
  }

  #updateOne(modelName: string, change: TraceChange): void {
    const current = modelName === '' ? this.#global : this.#models.get(modelName);
    const above = modelName === '' ? this.#default : this.#global;
    const own = new Set(
      valueNames.filter((name) => {
        const value = change[name];
        return value === undefined ? current?.own.has(name) : value !== null;
      }),
    );
    if (modelName !== '' && own.size === 0) {
      this.#replace(modelName, null);
      return;
    }
    const setting = this.#make(newValues(change, own, current, above), own);
    // Off is the one setting without effect that may be asked for. What a model takes over from a change
    // of the global settings is not asked for: its own count may be used up. (Triton refuses the change
    // then, after it has made it.)
    const asked = modelName === '' || Object.keys(change).length > 0;
    if (asked && !setting.valid && !isOff(setting.values.level)) {
      const text = `Attempting to set invalid trace setting :${setting.flaw}`;
      throw new TritonError('INVALID_ARG', text);
    }
    if (modelName !== '' && current === undefined && this.#models.size >= modelSettingsMax) {
      const text = `more than ${modelSettingsMax} models have trace settings of their own: clear some`;
      throw new TritonError('UNAVAILABLE', text);
    }
    this.#replace(modelName, setting);
  }

  #replace(modelName: string, setting: TraceSetting | null): void {
    const old = modelName === '' ? this.#global : this.#models.get(modelName);
    if (setting === null) this.#models.delete(modelName);
    else if (modelName === '') this.#global = setting;
    else this.#models.set(modelName, setting);
    if (old === undefined) return;
    old.retire();
    if (!old.unused) this.#retired.add(old);
  }

  #make(values: TraceSettingValues, own: ReadonlySet<keyof TraceSettingValues>): TraceSetting {
    return new TraceSetting(values, this.#options.target, own, this.#file);
  }

  #look(): void {
    const settings = [this.#global, ...this.#models.values()];
    this.#enabled = settings.some(({ values }) => !isOff(values.level));
  }
}

/** What is a setting's own is as it was unless it is changed; the rest is as above it. */
function newValues(
  change: TraceChange,
  own: ReadonlySet<keyof TraceSettingValues>,
  current: TraceSetting | undefined,
  above: TraceSetting,
): TraceSettingValues {
  const value = <Name extends keyof TraceSettingValues>(name: Name): TraceSettingValues[Name] => {
    if (!own.has(name)) return currentOf(above, name);
    return (
      (change[name] as TraceSettingValues[Name] | undefined) ?? currentOf(current ?? above, name)
    );
  };
  return {
    level: value('level'),
    rate: value('rate'),
    count: value('count'),
    logFrequency: value('logFrequency'),
  };
}

/** Of the count, what is left of it. */
function currentOf<Name extends keyof TraceSettingValues>(
  setting: TraceSetting,
  name: Name,
): TraceSettingValues[Name] {
  return name === 'count' ? (setting.count as TraceSettingValues[Name]) : setting.values[name];
}
