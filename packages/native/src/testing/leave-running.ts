/**
 * Leaves sessions and runs behind in the way that its argument names, and prints `ready` when it has:
 * `return` (falls off the end), `exit` (process.exit during a run), `signal` (waits to be killed).
 */
import { addSubModel, countingModel } from '../../../test-kit/src/onnx-writer.ts';
import { count, float32, openSession } from './onnx-fixture.ts';

async function main(way: string | undefined): Promise<void> {
  const session = await openSession(addSubModel('FLOAT', ['n']));
  const inputs = ['INPUT0', 'INPUT1'].map((name) => ({ name, tensor: float32([1], 1) }));
  session.run(inputs, ['OUTPUT0']);
  session.run(inputs, ['OUTPUT0']);
  await session.runAsync(inputs, ['OUTPUT1']);
  if (way === 'return') {
    console.log('ready');
    return;
  }
  const counting = await openSession(countingModel());
  counting.runAsync(count(2 ** 40), ['OUTPUT']).catch(() => undefined);
  if (way === 'signal') {
    process.once('SIGTERM', () => process.exit(0));
    console.log('ready');
    return;
  }
  setTimeout(() => process.exit(0), 50);
  console.log('ready');
}

await main(process.argv[2]);
