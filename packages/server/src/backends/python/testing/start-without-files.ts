/**
 * Starts processes where no file can be opened any more, and prints what came of it as JSON. Run by a test
 * in a process of its own.
 */
import { openSync } from 'node:fs';
import { systemClock } from '../../../core/clock.ts';
import { silentLogger } from '../../../core/logger.ts';
import { SharedBlocks } from '../../../memory/shared-blocks.ts';
import { CustomMetrics } from '../../../observability/custom-metrics.ts';
import { CommandRunner } from '../environment/run-command.ts';
import { startPythonWorker } from '../python-worker.ts';

function openAll(): void {
  try {
    for (;;) openSync('/dev/null', 'r');
  } catch {
    // None is left.
  }
}

const blocks = new SharedBlocks();
blocks.acquire();
openAll();
const runner = new CommandRunner();
const command = await runner.run('true', [], { directory: '/', timeoutMs: 1000 });
const worker = await startPythonWorker({
  instanceName: 'm_0_0',
  modelName: 'm',
  versionDirectory: '/',
  fileName: 'model.py',
  runtimeDirectory: null,
  script: 'none.py',
  environment: { python: 'python3', variables: {} },
  settings: { stubTimeoutMs: 1000, initializeTimeoutMs: 1000 },
  metrics: new CustomMetrics([]),
  blocks,
  clock: systemClock,
  logger: silentLogger,
}).then(
  () => 'started',
  (error: Error) => error.message,
);
blocks.release();
// What Node tells by events comes before this.
await new Promise((resolve) => setImmediate(resolve));
process.stdout.write(JSON.stringify({ command, worker, blocks: blocks.active }));
