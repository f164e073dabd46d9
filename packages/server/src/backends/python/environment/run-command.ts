import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { startProcess } from '../start-process.ts';

/** Lines of a command's output that are kept for its error. */
const keptLinesMax = 12;

export interface CommandOptions {
  readonly directory: string;
  readonly timeoutMs: number;
  /** Hears every line of stdout and stderr. */
  readonly line?: (line: string) => void;
}

export interface CommandResult {
  /** It ended by itself, with status 0. */
  readonly ok: boolean;
  /** The last lines of what it wrote, or why it could not run. */
  readonly lines: readonly string[];
}

/** Runs commands that prepare environments, and ends those that run when the server stops. */
export class CommandRunner {
  readonly #running = new Set<ChildProcess>();
  #stopped = false;

  /** Never rejects. */
  async run(
    command: string,
    args: readonly string[],
    options: CommandOptions,
  ): Promise<CommandResult> {
    if (this.#stopped) return { ok: false, lines: ['the server stops'] };
    try {
      return await this.#ended(start(command, args, options), command, options);
    } catch (error) {
      return { ok: false, lines: [(error as Error).message] };
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const child of this.#running) kill(child);
  }

  #ended(
    child: ChildProcess,
    command: string,
    { timeoutMs, line }: CommandOptions,
  ): Promise<CommandResult> {
    return new Promise((resolve) => {
      const lines: string[] = [];
      const keep = (text: string): void => {
        if (text.trim() === '') return;
        lines.push(text);
        if (lines.length > keptLinesMax) lines.shift();
        line?.(text);
      };
      this.#running.add(child);
      for (const stream of [child.stdout, child.stderr]) {
        if (stream !== null) createInterface({ input: stream }).on('line', keep);
      }
      const timer = setTimeout(() => {
        keep(`${command} took longer than ${timeoutMs / 1000} s`);
        kill(child);
      }, timeoutMs);
      const end = (ok: boolean, reason: string | null): void => {
        clearTimeout(timer);
        this.#running.delete(child);
        if (reason !== null) keep(reason);
        resolve({ ok, lines });
      };
      child.on('error', (error) => end(false, error.message));
      child.on('close', (status, signal) => {
        const killed = signal === null ? null : `${command} was ended by ${signal}`;
        end(status === 0, killed);
      });
    });
  }
}

/** In a group of its own, of which what it starts becomes a part. */
function start(
  command: string,
  args: readonly string[],
  { directory }: CommandOptions,
): ChildProcess {
  return startProcess(command, args, {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
}

/** With what it has started: pip's compilers would go on, and hold its output open. */
function kill({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of them have ended.
  }
}
