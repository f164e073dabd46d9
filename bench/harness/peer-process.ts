import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { boundChild } from '@nereid/test-kit';
import { ensurePythonEnv } from '../../tools/python-env.mjs';

/**
 * A program of `bench/peers` in a process of its own: plain JavaScript, so that no loader counts, but for
 * those that use our own sources; or Python. Its
 * first line says that it is ready (a server's is its port); further lines answer what it is asked.
 */
export class PeerProcess {
  readonly pid: number;
  readonly firstLine: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(
    child: ChildProcess,
    pid: number,
    firstLine: string,
    lines: AsyncIterator<string>,
  ) {
    this.#child = child;
    this.pid = pid;
    this.firstLine = firstLine;
    this.#lines = lines;
  }

  /** @param script Its file in `bench/peers`. */
  static async start(script: string, args: readonly string[] = []): Promise<PeerProcess> {
    const path = fileURLToPath(new URL(`../peers/${script}`, import.meta.url));
    const command = script.endsWith('.py') ? ensurePythonEnv() : process.execPath;
    const loader = script.endsWith('.ts') ? ['--conditions=nereid-source', '--import=tsx'] : [];
    const child = spawn(command, [...loader, path, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    boundChild(child);
    child.once('close', (status, signal) => {
      // `stop` kills it; otherwise it ended by itself.
      if (!child.killed) console.error(`${script} ended with ${signal ?? status}`);
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done === true || child.pid === undefined) throw new Error(`${script} did not start`);
    return new PeerProcess(child, child.pid, first.value, lines);
  }

  /** Sends a line and waits for the line that answers it. */
  async ask(line: string): Promise<string> {
    this.#child.stdin?.write(`${line}\n`);
    const answer = await this.#lines.next();
    if (answer.done === true) throw new Error(`the peer ended when asked '${line}'`);
    return answer.value;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }
}
