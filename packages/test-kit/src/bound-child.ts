import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Takes process ids on a list (`+ PID`) and off it (`- PID`), and kills those that are left when nobody is there any
 * more who could write. The shell does all of it by itself.
 */
const guardScript = `
kept=
while read -r sign pid; do
  rest=
  for one in $kept; do [ "$one" = "$pid" ] || rest="$rest $one"; done
  kept=$rest
  if [ "$sign" = + ]; then kept="$kept $pid"; fi
done
[ -z "$kept" ] || kill -9 $kept`;

/** The guard of this process; null until there is a child to watch. */
let guard: Socket | null = null;

/** In a session of its own: what ends this process from the terminal does not end its guard before it. */
function openGuard(): Socket {
  const shell = spawn('sh', ['-c', guardScript], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // Where there is no shell, children are not watched.
  shell.on('error', () => {});
  shell.unref();
  const input = shell.stdin as Socket;
  input.on('error', () => {});
  return input.unref();
}

/**
 * Has a child killed when this process ends before it, whatever ends this process: vitest ends those of its test
 * files by signals, with which no handler of `exit` is called. @returns the child
 */
export function boundChild<Child extends ChildProcess>(child: Child): Child {
  const { pid } = child;
  // It did not start.
  if (pid === undefined) return child;
  guard ??= openGuard();
  const watch = guard;
  watch.write(`+ ${pid}\n`);
  child.once('exit', () => watch.write(`- ${pid}\n`));
  return child;
}
