import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TritonPeer } from '../../../tools/triton-peer.mjs';
import { boundChild } from './bound-child.ts';
import { freePorts } from './free-ports.ts';

const readyMsMax = 60_000;

/** A real tritonserver on ports of its own. */
export class TritonProcess {
  readonly port: number;
  /** Of its metrics, which it has with `--allow-metrics=true`. */
  readonly metricsUrl: string;
  readonly grpcPort: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number, grpcPort: number, metricsPort: number) {
    this.#child = child;
    this.port = port;
    this.metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
    this.grpcPort = grpcPort;
  }

  /** Of the process. */
  get pid(): number {
    return this.#child.pid as number;
  }

  /** Throws when it is not live in time. */
  static async start(
    peer: TritonPeer & { available: true },
    flags: readonly string[],
  ): Promise<TritonProcess> {
    const [http = 0, grpc = 0, metrics = 0] = await freePorts(3);
    const ports = [`--http-port=${http}`, `--grpc-port=${grpc}`, `--metrics-port=${metrics}`];
    const child = spawn(peer.path, [...peer.flags, ...ports, '--allow-metrics=false', ...flags], {
      stdio: ['ignore', 'ignore', 'ignore'],
      env: { ...process.env, ...peer.env },
    });
    const server = new TritonProcess(boundChild(child), http, grpc, metrics);
    const deadline = Date.now() + readyMsMax;
    while (!(await server.#isLive())) {
      if (child.exitCode !== null || Date.now() > deadline) {
        child.kill('SIGKILL');
        throw new Error('the real tritonserver did not start');
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return server;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    await closed;
  }

  async #isLive(): Promise<boolean> {
    try {
      return (await fetch(`http://127.0.0.1:${this.port}/v2/health/live`)).ok;
    } catch {
      return false;
    }
  }
}
