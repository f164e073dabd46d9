import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { boundChild, freePorts } from '@nereid/test-kit';

const startMsMax = 60_000;

/** A Redis on a port of its own, in an empty folder; nothing is written to disk. */
export class RedisProcess {
  readonly port: number;
  readonly #path: string;
  readonly #flags: readonly string[];
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'nereid-redis-'));
  #child: ChildProcess | null = null;

  private constructor(path: string, port: number, flags: readonly string[]) {
    this.#path = path;
    this.port = port;
    this.#flags = flags;
  }

  /** @param flags `%p` in them is the port. */
  static async start(path: string, flags: readonly string[] = []): Promise<RedisProcess> {
    const [port = 0] = await freePorts(1);
    const redis = new RedisProcess(path, port, flags);
    await redis.restart();
    return redis;
  }

  /** Starts it again on the same port, empty. */
  async restart(): Promise<void> {
    const port = String(this.port);
    const address = this.#flags.length === 0 || !this.#flags.includes('%p') ? ['--port', port] : [];
    const flags = [...address, ...this.#flags.map((flag) => flag.replace('%p', port))];
    const own = ['--bind', '127.0.0.1', '--save', '', '--dir', this.#folder];
    const child = boundChild(
      spawn(this.#path, [...own, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    this.#child = child;
    let log = '';
    const ready = new Promise<boolean>((resolve) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        log += chunk.toString();
        if (/Ready to accept connections/u.test(log)) resolve(true);
      });
      child.on('close', () => resolve(false));
      setTimeout(() => resolve(false), startMsMax).unref();
    });
    if (!(await ready)) throw new Error(`redis-server did not start:\n${log}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
