import { expect, test } from 'vitest';
import { addSubModel } from '../../test-kit/src/onnx-writer.ts';
import { OnnxRuntime } from './onnx-runtime.ts';
import { float32, floatsOf } from './testing/onnx-fixture.ts';

// A file of its own: what a library was opened with first holds for the whole process.
test('sessions share the threads of the runtime', async () => {
  const runtime = OnnxRuntime.open({
    globalThreadPool: { intraOpThreadCount: 2, interOpThreadCount: 1, spinning: false },
  });
  expect(runtime.hasGlobalThreadPool).toBe(true);
  const sessions = await Promise.all(
    [1, 2, 3].map(() =>
      runtime.createSession({ bytes: addSubModel('FLOAT', ['n']) }, { useGlobalThreadPool: true }),
    ),
  );
  for (const session of sessions) {
    const inputs = ['INPUT0', 'INPUT1'].map((name) => ({ name, tensor: float32([1], 4) }));
    expect(floatsOf(session.run(inputs, ['OUTPUT0'])[0])).toEqual([8]);
    session.release();
  }
});
