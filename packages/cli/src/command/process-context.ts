import { setMaxListeners } from 'node:events';
import type { CommandContext, Output } from './command.ts';

/** The process as commands see it. The first SIGINT or SIGTERM asks them to end, the second ends the process. */
function processContext(): CommandContext {
  const interruption = new AbortController();
  // Each request listens to it, and there may be many.
  setMaxListeners(0, interruption.signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => interruption.abort(new Error('interrupted')));
  }
  // `nereid models | head` closes the pipe: what is left needs no reader.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    environment: process.env,
    directory: process.cwd(),
    signal: interruption.signal,
  };
}

function outputOf(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => {
      stream.write(text);
    },
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.isTTY === true && stream.columns > 0 ? stream.columns : null;
    },
  };
}

/** The longest that a timer can take. */
const keepAliveMs = 0x7fff_ffff;

/** The entry of a bundle: runs, and sets what the process ends with. */
export async function runProcess(run: (context: CommandContext) => Promise<number>): Promise<void> {
  // A connection that waits for its answer does not always keep the process.
  const keepAlive = setInterval(() => {}, keepAliveMs);
  try {
    process.exitCode = await run(processContext());
  } finally {
    clearInterval(keepAlive);
  }
}
