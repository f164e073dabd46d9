import type { CommandContext } from '../command/command.ts';

/** A context without a process: what is written can be read again. */
export interface TestContext extends CommandContext {
  out(): string;
  err(): string;
  interrupt(): void;
}

export function testContext(
  directory = '/',
  environment: Readonly<Record<string, string>> = {},
  columns: number | null = null,
): TestContext {
  const written = { out: '', err: '' };
  const interruption = new AbortController();
  const output = (stream: 'out' | 'err') => ({
    write: (text: string) => {
      written[stream] += text;
    },
    isTerminal: columns !== null,
    columns,
  });
  return {
    stdout: output('out'),
    stderr: output('err'),
    environment,
    directory,
    signal: interruption.signal,
    out: () => written.out,
    err: () => written.err,
    interrupt: () => interruption.abort(new Error('interrupted')),
  };
}
