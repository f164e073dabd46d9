import { realpathSync } from 'node:fs';
import { checkExternalData, refuseExternalData } from './external-data.ts';
import { ASYNC_CALLS_MAX, callOnThread } from './koffi-library.ts';
import { defaultLibraryPath } from './library-path.ts';
import {
  addressNumberOf,
  fixMallocThresholds,
  keepAlive,
  NativeBlock,
  readCString,
} from './memory.ts';
import { NativeCallLimit, threadPoolSize } from './native-call-limit.ts';
import { NativeError } from './native-error.ts';
import { OnnxSession } from './onnx-session.ts';
import type { TensorContext } from './onnx-tensor.ts';
import { callForWord, check, loadOrtApi, type OrtApi } from './ort-api.ts';
import {
  checkThreadCount,
  createSessionOptions,
  logSeverityCode,
  ONNX_SESSION_DEFAULTS,
  type OnnxLogSeverity,
  type OnnxSessionOptions,
} from './session-options.ts';

/** Threads that all sessions share which ask for it (`useGlobalThreadPool`). */
export interface OnnxGlobalThreadPool {
  /** Null: one a physical core. */
  readonly intraOpThreadCount: number | null;
  readonly interOpThreadCount: number | null;
  /** Whether threads without work spin for a while before they sleep. */
  readonly spinning: boolean;
}

/** How a runtime is opened. */
export interface OnnxRuntimeOptions {
  /** Path of an ONNX Runtime library of 1.16 or later; null: that of `onnxruntime-node`. */
  readonly libraryPath?: string | null;
  /**
   * What the library prints on stderr. There is no log callback: ONNX Runtime logs from its own
   * threads too, and a JavaScript callback blocks such a thread until the event loop turns, which a
   * `run` on the event loop that waits for that very thread never lets happen.
   */
  readonly logSeverity?: OnnxLogSeverity;
  /** Null: each session has its own threads. Decided by the first opening of a library. */
  readonly globalThreadPool?: OnnxGlobalThreadPool | null;
  /**
   * Native calls on threads at once, over all sessions: default, all threads of libuv's pool but one,
   * so that files and DNS are still served while models run.
   */
  readonly asyncCallsMax?: number | null;
}

/** A model to load: a file (external data lies beside it), or its bytes. */
export type OnnxModelSource = { readonly path: string } | { readonly bytes: Uint8Array };

const LOG_ID = 'onnxruntime';
/** `OrtAllocatorType` OrtDeviceAllocator and `OrtMemType` OrtMemTypeDefault. */
const DEVICE_ALLOCATOR = 0;
const MEMORY_DEFAULT = 0;
/** With this entry the native session reads the caller's bytes for as long as it lives. */
const USE_BYTES_DIRECTLY = 'session.use_ort_model_bytes_directly';

/** ONNX Runtime 1.30 was seen to confine external data to the model's folder; 1.17 does not. */
const CONFINES_EXTERNAL_DATA = 30;

/** One for each library file: ONNX Runtime's environment is one a process. */
const runtimes = new Map<string, OnnxRuntime>();

function createEnvironment(api: OrtApi, options: OnnxRuntimeOptions): number {
  const { functions } = api;
  const severity = logSeverityCode(options.logSeverity ?? 'error');
  const pool = options.globalThreadPool ?? null;
  if (pool === null) return callForWord(api, functions.CreateEnv, severity, LOG_ID);
  const threading = callForWord(api, functions.CreateThreadingOptions);
  try {
    const intraOp = checkThreadCount(pool.intraOpThreadCount ?? 0);
    const interOp = checkThreadCount(pool.interOpThreadCount ?? 0);
    check(api, functions.SetGlobalIntraOpNumThreads(threading, intraOp));
    check(api, functions.SetGlobalInterOpNumThreads(threading, interOp));
    check(api, functions.SetGlobalSpinControl(threading, pool.spinning ? 1 : 0));
    return callForWord(api, functions.CreateEnvWithGlobalThreadPools, severity, LOG_ID, threading);
  } finally {
    functions.ReleaseThreadingOptions(threading);
  }
}

/**
 * A loaded ONNX Runtime library with its environment. It lives until the process ends: neither can be
 * taken down safely while the process has threads.
 */
export class OnnxRuntime {
  /** The library's version, such as `1.30.0`. */
  readonly version: string;
  readonly libraryPath: string;
  readonly #api: OrtApi;
  readonly #environment: number;
  readonly #context: TensorContext;
  readonly #globalThreadPool: OnnxGlobalThreadPool | null;
  readonly #runLimit: NativeCallLimit;
  /** Loading takes seconds: never let it take all the threads that runs need. */
  readonly #loadLimit: NativeCallLimit;
  readonly #sessions = new Set<OnnxSession>();

  private constructor(libraryPath: string, options: OnnxRuntimeOptions) {
    this.libraryPath = libraryPath;
    fixMallocThresholds();
    this.#api = loadOrtApi(libraryPath);
    this.version = this.#api.libraryVersion;
    const { functions } = this.#api;
    this.#globalThreadPool = options.globalThreadPool ?? null;
    this.#environment = createEnvironment(this.#api, options);
    check(this.#api, functions.DisableTelemetryEvents(this.#environment));
    this.#context = {
      api: this.#api,
      allocator: callForWord(this.#api, functions.GetAllocatorWithDefaultOptions),
      memoryInfo: callForWord(
        this.#api,
        functions.CreateCpuMemoryInfo,
        DEVICE_ALLOCATOR,
        MEMORY_DEFAULT,
      ),
    };
    // Runs and loads together stay below what koffi queues.
    const callsMax = Math.min(
      options.asyncCallsMax ?? Math.max(1, threadPoolSize() - 1),
      ASYNC_CALLS_MAX / 2,
    );
    this.#runLimit = new NativeCallLimit(callsMax);
    this.#loadLimit = new NativeCallLimit(Math.max(1, Math.floor(callsMax / 2)));
    // Node waits for threads of the pool at exit: do not let a long run hold the process back.
    process.once('exit', () => {
      for (const session of this.#sessions) session.terminateRuns();
    });
  }

  /**
   * Opens a library; a second call for the same file returns the same runtime (whose options are
   * those of the first). Throws a `LIBRARY` error for what is no usable ONNX Runtime.
   */
  static open(options: OnnxRuntimeOptions = {}): OnnxRuntime {
    const path = options.libraryPath ?? defaultLibraryPath();
    let key = path;
    try {
      key = realpathSync(path);
    } catch {
      // A bare name: the system's loader knows where to look.
    }
    let runtime = runtimes.get(key);
    if (runtime === undefined) {
      runtime = new OnnxRuntime(key, options);
      runtimes.set(key, runtime);
    }
    return runtime;
  }

  /** Whether sessions may use `useGlobalThreadPool`. */
  get hasGlobalThreadPool(): boolean {
    return this.#globalThreadPool !== null;
  }

  /** Execution providers that the library was built with, such as `CPUExecutionProvider`. */
  availableProviders(): string[] {
    const { functions } = this.#api;
    const block = new NativeBlock(16);
    block.write(1, 0);
    check(this.#api, functions.GetAvailableProviders(block.address, block.at(1)));
    const count = block.readInt32(1);
    const list = block.read(0);
    const names = new NativeBlock(Math.max(8, count * 8));
    names.copyFrom(list, count);
    const providers = Array.from({ length: count }, (_, index) => readCString(names.read(index)));
    check(this.#api, functions.ReleaseAvailableProviders(list, count));
    return providers;
  }

  /**
   * Loads a model, on a thread. Rejects with ONNX Runtime's code and text: NO_SUCHFILE,
   * INVALID_PROTOBUF, INVALID_GRAPH, FAIL, …; UNSUPPORTED or FAIL for an execution provider that the
   * library lacks. The bytes of a model must not change until the promise is settled.
   */
  async createSession(
    model: OnnxModelSource,
    options: Partial<OnnxSessionOptions> = {},
  ): Promise<OnnxSession> {
    const full: OnnxSessionOptions = { ...ONNX_SESSION_DEFAULTS, ...options };
    if (full.useGlobalThreadPool && !this.hasGlobalThreadPool) {
      throw new NativeError('INVALID_ARGUMENT', 'the runtime has no global thread pool');
    }
    const handle = await this.#loadOnThread(model, full);
    const keepsBytes = 'bytes' in model && full.configEntries[USE_BYTES_DIRECTLY] === '1';
    try {
      const session = new OnnxSession(
        {
          context: this.#context,
          handle,
          limit: this.#runLimit,
          modelBytes: keepsBytes ? model.bytes : null,
          onRelease: (released) => this.#sessions.delete(released),
        },
        full.profilingPathPrefix !== null,
      );
      this.#sessions.add(session);
      return session;
    } catch (error) {
      this.#api.functions.ReleaseSession(handle);
      throw error;
    }
  }

  async #loadOnThread(model: OnnxModelSource, options: OnnxSessionOptions): Promise<number> {
    const { functions } = this.#api;
    if ('path' in model && model.path.includes('\0')) {
      throw new NativeError('INVALID_ARGUMENT', 'a path may not hold a NUL character');
    }
    if ('bytes' in model) refuseExternalData(model.bytes);
    else if (this.#api.minorVersion < CONFINES_EXTERNAL_DATA) await checkExternalData(model.path);
    await this.#loadLimit.acquire(null);
    let sessionOptions = 0;
    try {
      sessionOptions = createSessionOptions(this.#api, options);
      const out = new NativeBlock(8);
      out.write(0, 0);
      const bytes = 'bytes' in model ? model.bytes : null;
      const status =
        'path' in model
          ? await callOnThread(functions.CreateSession, [
              this.#environment,
              model.path,
              sessionOptions,
              out.address,
            ])
          : await callOnThread(functions.CreateSessionFromArray, [
              this.#environment,
              addressNumberOf(model.bytes),
              model.bytes.byteLength,
              sessionOptions,
              out.address,
            ]);
      const handle = out.read(0);
      keepAlive(out, bytes?.byteLength);
      check(this.#api, status);
      return handle;
    } finally {
      this.#loadLimit.release();
      if (sessionOptions !== 0) functions.ReleaseSessionOptions(sessionOptions);
    }
  }
}
