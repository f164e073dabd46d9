// What a thread of a JavaScript model runs. Its bundle is `model-thread.js`, which traces leave out.
import { type MessagePort, workerData } from 'node:worker_threads';
import type { LinkMemory } from '../link/link-memory.ts';
import { ModelThread } from './model-thread.ts';
import { installModuleHooks } from './module-hooks.ts';
import { PrintedLines } from './printed-lines.ts';
import { ServerPort } from './server-port.ts';

/** What a thread is started with. */
export interface ThreadData {
  readonly port: MessagePort;
  /** Shared with the server. */
  readonly memory: LinkMemory;
  /** Of the server's copy of `@nereid/model`. */
  readonly packageUrl: string;
  /** Of `hooks-main.ts`, or its bundle. */
  readonly hooksUrl: string;
}

const { port, memory, packageUrl, hooksUrl } = workerData as ThreadData;
// The model shares this object: the port and the memory are ours alone.
delete (workerData as { port?: unknown }).port;
delete (workerData as { memory?: unknown }).memory;

const server = new ServerPort(port, memory);
const lines = new PrintedLines((level, message) => server.post({ kind: 'log', level, message }));
lines.capture();
installModuleHooks(packageUrl, hooksUrl);
const exit = process.exit.bind(process);
const thread = new ModelThread(server, lines, () => exit(0));
server.listen(thread);
server.post({ kind: 'hello', region: null, shares: false });
