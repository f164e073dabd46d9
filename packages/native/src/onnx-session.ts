import { CStrings } from './c-strings.ts';
import { callOnThread } from './koffi-library.ts';
import { type OnnxModelMetadata, readModelMetadata } from './model-metadata.ts';
import type { NativeCallLimit } from './native-call-limit.ts';
import { NativeError } from './native-error.ts';
import type { OnnxTensor, TensorContext } from './onnx-tensor.ts';
import { callForWord, check, takeStatus } from './ort-api.ts';
import { type RunPlan, RunPlans } from './run-plans.ts';
import { logSeverityCode, type OnnxLogSeverity } from './session-options.ts';
import { type OnnxInput, type OutputMemory, TensorRun } from './tensor-run.ts';
import { type OnnxValueInfo, readValueInfos, takeString } from './value-info.ts';

/** What may be said of a single run. */
export interface OnnxRunOptions {
  /** Names the run in the library's log lines. */
  readonly tag?: string | null;
  readonly logSeverity?: OnnxLogSeverity | null;
  /** `AddRunConfigEntry` keys, such as `memory.enable_memory_arena_shrinkage`. */
  readonly configEntries?: Readonly<Record<string, string>> | null;
}

/** A run on a thread can be stopped. */
export interface OnnxAsyncRunOptions extends OnnxRunOptions {
  /**
   * Stops this run and no other: the promise rejects with TERMINATED, at once when the run still
   * waits for a thread, else when ONNX Runtime comes to the end of the operator it is in.
   */
  readonly signal?: AbortSignal | null;
  readonly outputMemory?: OutputMemory | null;
}

/** What a session is made of; for `OnnxRuntime`. */
export interface SessionParts {
  readonly context: TensorContext;
  /** `OrtSession *`, owned by the session from here on. */
  readonly handle: number;
  readonly limit: NativeCallLimit;
  /** Memory that the native session reads for as long as it lives. */
  readonly modelBytes: Uint8Array | null;
  readonly onRelease: (session: OnnxSession) => void;
}

/**
 * A loaded model. Several runs may be under way at once, on threads and one on the event loop. The
 * creator owns it and must call `release` when no run is under way; its weights are freed then.
 */
export class OnnxSession {
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  /** Initializers that a run may replace by an input of that name. */
  readonly overridableInitializers: readonly OnnxValueInfo[];
  readonly metadata: OnnxModelMetadata;
  readonly #parts: SessionParts;
  readonly #names: CStrings;
  readonly #plans = new RunPlans();
  /** `OrtRunOptions *` of the runs that native code is executing on threads. */
  readonly #running = new Set<number>();
  #pendingCount = 0;
  #released = false;
  #profiling: boolean;

  constructor(parts: SessionParts, profiling: boolean) {
    this.#parts = parts;
    this.#profiling = profiling;
    const { api, allocator } = parts.context;
    this.inputs = readValueInfos(api, allocator, parts.handle, 'Input');
    this.outputs = readValueInfos(api, allocator, parts.handle, 'Output');
    this.overridableInitializers = readValueInfos(
      api,
      allocator,
      parts.handle,
      'OverridableInitializer',
    );
    this.metadata = readModelMetadata(api, allocator, parts.handle);
    const infos = [...this.inputs, ...this.outputs, ...this.overridableInitializers];
    this.#names = new CStrings(infos.map(({ name }) => name));
  }

  /** Runs under way on threads or waiting for one. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  /**
   * Runs the model here and now: the event loop stands still until it is done. Returns the outputs in
   * the order of `outputNames`; they are the caller's. Inputs are read during the call only.
   *
   * Outputs whose size is known from a run before, and that are not small, are written into
   * `outputMemory` and are it then; other outputs have memory of their own.
   *
   * Throws a `NativeError` with ONNX Runtime's text, such as INVALID_ARGUMENT for a name, type or
   * shape that the model does not take.
   */
  run(
    inputs: readonly OnnxInput[],
    outputNames: readonly string[],
    options: OnnxRunOptions | null = null,
    outputMemory: OutputMemory | null = null,
  ): OnnxTensor[] {
    this.#assertUsable();
    if (options === null) return this.#runNow(inputs, outputNames, 0, outputMemory);
    const runOptions = this.#createRunOptions(options);
    try {
      return this.#runNow(inputs, outputNames, runOptions, outputMemory);
    } finally {
      this.#parts.context.api.functions.ReleaseRunOptions(runOptions);
    }
  }

  /** Runs as planned where shapes like these were seen before; `runOptions` may be 0. */
  #runNow(
    inputs: readonly OnnxInput[],
    outputNames: readonly string[],
    runOptions: number,
    outputMemory: OutputMemory | null,
  ): OnnxTensor[] {
    const plan = this.#plans.find(inputs, outputNames);
    if (plan === null) return this.#runDirectly(inputs, outputNames, null, runOptions, null);
    const { context, handle } = this.#parts;
    const staged = plan.staged ?? this.#plans.stagedRunOf(plan, context, this.#names);
    if (staged === null) {
      try {
        return this.#runDirectly(inputs, outputNames, plan, runOptions, outputMemory);
      } catch (error) {
        if (!(error instanceof NativeError)) throw error;
      }
    } else {
      const status = staged.run(handle, runOptions, inputs);
      if (status === 0) return staged.results();
      context.api.functions.ReleaseStatus(status);
    }
    // Either the run itself is at fault, and fails again with the same text, or the plan was: then
    // shapes depend on values, and nothing is planned any more.
    const results = this.#runDirectly(inputs, outputNames, null, runOptions, null);
    this.#plans.disable();
    return results;
  }

  #runDirectly(
    inputs: readonly OnnxInput[],
    outputNames: readonly string[],
    plan: RunPlan | null,
    runOptions: number,
    outputMemory: OutputMemory | null,
  ): OnnxTensor[] {
    const { context, handle } = this.#parts;
    const outputs = plan?.outputs ?? null;
    const run = new TensorRun(context, this.#names, inputs, outputNames, outputs, outputMemory);
    try {
      check(context.api, context.api.functions.Run(...run.arguments(handle, runOptions)));
      const results = run.results();
      if (plan === null) this.#plans.learn(inputs, outputNames, results);
      return results;
    } finally {
      run.release();
    }
  }

  /**
   * The same on a thread of libuv's pool; the event loop goes on. At most so many runs of all
   * sessions execute at once as the runtime allows, the others wait in order. The data of the inputs
   * must neither change nor be detached until the promise is settled.
   *
   * Rejects as `run` throws; also with TERMINATED (see `signal`) and LIMIT (too many are waiting).
   */
  async runAsync(
    inputs: readonly OnnxInput[],
    outputNames: readonly string[],
    options: OnnxAsyncRunOptions = {},
  ): Promise<OnnxTensor[]> {
    this.#assertUsable();
    const { limit } = this.#parts;
    const signal = options.signal ?? null;
    if (isAborted(signal)) throw terminated();
    this.#pendingCount += 1;
    try {
      if (!limit.tryAcquire()) await limit.acquire(signal);
      try {
        const plan = this.#plans.find(inputs, outputNames);
        if (plan === null) return await this.#runOnThread(inputs, outputNames, null, options);
        try {
          return await this.#runOnThread(inputs, outputNames, plan, options);
        } catch (error) {
          if (error instanceof NativeError && error.code === 'TERMINATED') throw error;
          const results = await this.#runOnThread(inputs, outputNames, null, options);
          this.#plans.disable();
          return results;
        }
      } finally {
        limit.release();
      }
    } finally {
      this.#pendingCount -= 1;
    }
  }

  async #runOnThread(
    inputs: readonly OnnxInput[],
    outputNames: readonly string[],
    plan: RunPlan | null,
    options: OnnxAsyncRunOptions,
  ): Promise<OnnxTensor[]> {
    const { context, handle } = this.#parts;
    const { api } = context;
    const signal = options.signal ?? null;
    if (isAborted(signal)) throw terminated();
    const runOptions = this.#createRunOptions(options);
    const onAbort = (): void => this.#terminate(runOptions);
    let run: TensorRun | null = null;
    try {
      const outputs = plan?.outputs ?? null;
      const outputMemory = options.outputMemory ?? null;
      run = new TensorRun(context, this.#names, inputs, outputNames, outputs, outputMemory);
      this.#running.add(runOptions);
      signal?.addEventListener('abort', onAbort, { once: true });
      const status = await callOnThread(api.functions.Run, run.arguments(handle, runOptions));
      if (status !== 0) {
        const error = takeStatus(api, status);
        throw isAborted(signal) ? terminated(error) : error;
      }
      const results = run.results();
      if (plan === null) this.#plans.learn(inputs, outputNames, results);
      return results;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#running.delete(runOptions);
      run?.release();
      api.functions.ReleaseRunOptions(runOptions);
    }
  }

  #createRunOptions(options: OnnxRunOptions): number {
    const { api } = this.#parts.context;
    const { functions } = api;
    const handle = callForWord(api, functions.CreateRunOptions);
    try {
      const { tag = null, logSeverity = null, configEntries = null } = options;
      if (tag !== null) check(api, functions.RunOptionsSetRunTag(handle, tag));
      if (logSeverity !== null) {
        const level = logSeverityCode(logSeverity);
        check(api, functions.RunOptionsSetRunLogSeverityLevel(handle, level));
      }
      for (const [key, value] of Object.entries(configEntries ?? {})) {
        check(api, functions.AddRunConfigEntry(handle, key, value));
      }
      return handle;
    } catch (error) {
      functions.ReleaseRunOptions(handle);
      throw error;
    }
  }

  #terminate(runOptions: number): void {
    if (!this.#running.has(runOptions)) return;
    const { api } = this.#parts.context;
    check(api, api.functions.RunOptionsSetTerminate(runOptions));
  }

  /** Asks every run that is executing on a thread to stop; for the end of the process. */
  terminateRuns(): void {
    for (const runOptions of this.#running) this.#terminate(runOptions);
  }

  /** Ends profiling and returns the path of the file written; null when none was going on. */
  endProfiling(): string | null {
    this.#assertUsable();
    if (!this.#profiling) return null;
    this.#profiling = false;
    const { context, handle } = this.#parts;
    const { api, allocator } = context;
    return takeString(api, allocator, api.functions.SessionEndProfiling, handle, allocator);
  }

  /** Frees the model. Asserts that no run is under way; a second call does nothing. */
  release(): void {
    if (this.#released) return;
    if (this.#pendingCount > 0) {
      throw new Error(`session released with ${this.#pendingCount} runs under way`);
    }
    this.#released = true;
    this.#plans.disable();
    this.#parts.context.api.functions.ReleaseSession(this.#parts.handle);
    this.#parts.onRelease(this);
  }

  #assertUsable(): void {
    if (this.#released) throw new Error('session used after its release');
  }
}

/** A function, since the state changes while we wait. */
function isAborted(signal: AbortSignal | null): boolean {
  return signal?.aborted ?? false;
}

function terminated(cause: NativeError | null = null): NativeError {
  const options = cause === null ? {} : { cause };
  return new NativeError('TERMINATED', cause?.message ?? 'the run was cancelled', options);
}
