import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { boundChild } from './bound-child.ts';
import { ensureFreshBuild } from './fresh-build.ts';

/** The command of the checkout, as `npx tritonserver` runs it. */
const command = fileURLToPath(new URL('../../server/bin/tritonserver.js', import.meta.url));

/** Waited for in full only where something is broken: long enough for a machine that does much else. */
const startMsDefault = 90_000;
const stopMsDefault = 60_000;
const logMsDefault = 30_000;
const healthRetryMs = 20;

/** Where the server says that it listens: the lines that Triton's users wait for too. */
const httpLine = /Started HTTPService at (\S+):(\d+)/u;
const grpcLine = /Started GRPCInferenceService at (\S+):(\d+)/u;
const metricsLine = /Started Metrics Service at (\S+):(\d+)/u;

export interface ServerProcessOptions {
  /** Flags of tritonserver; those for addresses and ports need not be among them. */
  readonly flags: readonly string[];
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** What to wait for: every model ready, or just a server that answers. Default: ready. */
  readonly until?: 'ready' | 'live';
  /** From the start of the process until then. Default: 90 seconds. */
  readonly startMs?: number;
}

/** How a process ended: by its own status or by a signal. */
export interface ProcessEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Both streams, in the order in which they arrived. */
  readonly output: string;
}

/** Our flags come first, so that those of the test win. */
function launch(options: Pick<ServerProcessOptions, 'flags' | 'env'>): Output {
  ensureFreshBuild();
  const ours = [
    '--http-address=127.0.0.1',
    '--http-port=0',
    '--metrics-address=127.0.0.1',
    '--metrics-port=0',
    '--grpc-address=127.0.0.1',
    '--grpc-port=0',
  ].filter((flag) => !options.flags.some((given) => given.split('=')[0] === flag.split('=')[0]));
  const child = spawn(process.execPath, [command, ...ours, ...options.flags], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new Output(boundChild(child));
}

/** What a child process writes, and how it ends. */
class Output {
  readonly child: ChildProcess;
  readonly ended: Promise<ProcessEnd>;
  text = '';
  #waiting: (() => void)[] = [];
  #over = false;

  constructor(child: ChildProcess) {
    this.child = child;
    const add = (chunk: Buffer): void => {
      this.text += chunk.toString();
      this.#wake();
    };
    child.stdout?.on('data', add);
    child.stderr?.on('data', add);
    this.ended = once(child, 'close').then(([status, signal]) => {
      this.#over = true;
      this.#wake();
      return { status, signal, output: this.text };
    });
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Waits until the output matches; null when the process ends or the time passes before it does. */
  async match(pattern: RegExp, deadline: number): Promise<RegExpExecArray | null> {
    for (;;) {
      const found = pattern.exec(this.text);
      if (found !== null || this.#over) return found;
      const left = deadline - Date.now();
      if (left <= 0) return null;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        timer = setTimeout(resolve, left);
      });
      clearTimeout(timer);
    }
  }
}

/** A `tritonserver` of this checkout in a process of its own, on free ports of 127.0.0.1. */
export class ServerProcess {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string;
  /** The port of `url`. */
  readonly port: number;
  /** The port of gRPC, null with `--allow-grpc=false`. */
  readonly grpcPort: number | null;
  /** The metrics endpoint, null with `--allow-metrics=false`. */
  readonly metricsUrl: string | null;
  readonly #output: Output;

  private constructor(
    output: Output,
    port: number,
    grpcPort: number | null,
    metricsPort: number | null,
  ) {
    this.#output = output;
    this.port = port;
    this.grpcPort = grpcPort;
    this.url = `http://127.0.0.1:${port}`;
    this.metricsUrl = metricsPort === null ? null : `http://127.0.0.1:${metricsPort}/metrics`;
  }

  /** Starts a server and waits until it is ready. Throws, with its log, when that takes too long. */
  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    const output = launch(options);
    const deadline = Date.now() + (options.startMs ?? startMsDefault);
    const fail = async (reason: string): Promise<never> => {
      output.child.kill('SIGKILL');
      const { output: log } = await output.ended;
      throw new Error(`${reason}:\n${log}`);
    };
    const http = await output.match(httpLine, deadline);
    if (http === null) return fail('the server did not start its HTTP service');
    const metrics = options.flags.includes('--allow-metrics=false')
      ? null
      : await output.match(metricsLine, deadline);
    // The line of gRPC comes before that of HTTP.
    const grpc = grpcLine.exec(output.text);
    const server = new ServerProcess(
      output,
      Number(http[2]),
      grpc === null ? null : Number(grpc[2]),
      metrics === null ? null : Number(metrics[2]),
    );
    if (!(await server.#healthy(options.until ?? 'ready', deadline))) {
      return fail('the server did not become healthy');
    }
    return server;
  }

  /** Process id of the server. */
  get pid(): number {
    const { pid } = this.#output.child;
    if (pid === undefined) throw new Error('the process did not start');
    return pid;
  }

  /** Everything written so far to stdout and stderr. */
  get log(): string {
    return this.#output.text;
  }

  /** Resolves when the process has ended, by whatever cause. */
  get ended(): Promise<ProcessEnd> {
    return this.#output.ended;
  }

  /** Waits for a line in the log; throws, with the log, when it does not come in time. */
  async logged(pattern: RegExp, waitMs: number = logMsDefault): Promise<RegExpExecArray> {
    const found = await this.#output.match(pattern, Date.now() + waitMs);
    if (found === null) throw new Error(`the log never matched ${pattern}:\n${this.log}`);
    return found;
  }

  /** Sends a signal and goes on. */
  signal(signal: NodeJS.Signals): void {
    this.#output.child.kill(signal);
  }

  /** Ends the server as an operator does and gives its status. Kills it, and throws, when it hangs. */
  async stop(waitMs: number = stopMsDefault): Promise<ProcessEnd> {
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), waitMs);
    const end = await this.ended;
    clearTimeout(timer);
    if (end.signal === 'SIGKILL') {
      throw new Error(`the server had not ended ${waitMs} ms after SIGTERM:\n${end.output}`);
    }
    return end;
  }

  async #healthy(until: 'ready' | 'live', deadline: number): Promise<boolean> {
    while (Date.now() < deadline && this.#output.child.exitCode === null) {
      const answer = await fetch(`${this.url}/v2/health/${until}`).catch(() => null);
      await answer?.arrayBuffer();
      if (answer?.ok === true) return true;
      await new Promise((resolve) => setTimeout(resolve, healthRetryMs));
    }
    return false;
  }
}

/** Runs `tritonserver` with flags that make it end by itself; kills it, and throws, when it does not. */
export async function runServerToEnd(
  options: Pick<ServerProcessOptions, 'flags' | 'env'>,
  waitMs: number = startMsDefault,
): Promise<ProcessEnd> {
  const output = launch(options);
  const timer = setTimeout(() => output.child.kill('SIGKILL'), waitMs);
  const end = await output.ended;
  clearTimeout(timer);
  if (end.signal === 'SIGKILL') {
    throw new Error(`the server was still running after ${waitMs} ms:\n${end.output}`);
  }
  return end;
}
