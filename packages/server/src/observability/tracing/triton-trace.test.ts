import type { Tensor } from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import type { TraceGroup } from './trace-record.ts';
import { TritonTrace } from './triton-trace.ts';

function traced(level = { timestamps: true, tensors: true }) {
  let lastId = 0;
  const groups: TraceGroup[] = [];
  const whole = new TritonTrace({
    level,
    clock: new ManualClock(),
    nextId: () => ++lastId,
    complete: (group) => groups.push(group),
  });
  whole.trace.start({ modelName: 'm', modelVersion: 1, id: '' }, 0);
  return { whole, groups };
}

const tensor = (byteLength: number): Tensor => ({
  name: 'X',
  dataType: 'UINT8',
  shape: [byteLength],
  data: new Uint8Array(byteLength),
});

describe('a trace', () => {
  it('is complete once, when its front end and all its requests are done', () => {
    const { whole, groups } = traced();
    const step = whole.trace.child();
    step.start({ modelName: 'step', modelVersion: 1, id: '' }, 1);
    whole.trace.end(2);
    whole.close();
    whole.close();
    expect(groups).toHaveLength(0);
    step.end(3);
    step.end(4);
    step.start({ modelName: 'again', modelVersion: 1, id: '' }, 5);
    whole.capture('LATE');
    expect(groups).toHaveLength(1);
    expect([...(groups[0]?.records.keys() ?? [])]).toEqual([1, 2]);
  });

  it('keeps so many times and no more of a request that goes on and on', () => {
    const { whole, groups } = traced();
    for (let i = 0; i < 200_000; i++) whole.capture('GRPC_SEND_START', i);
    whole.trace.end(1);
    whole.close();
    expect(groups[0]?.records.get(1)).toHaveLength(100_000);
  });

  it('keeps so many bytes of tensors, and of the others their names and shapes', () => {
    const { whole, groups } = traced();
    const large = tensor(40 * 1024 * 1024);
    whole.trace.reportTensors('TENSOR_QUEUE_INPUT', [large, large, tensor(3)]);
    whole.trace.end(1);
    whole.close();
    const sizes = (groups[0]?.records.get(1) ?? []).flatMap((record) =>
      record.kind === 'tensor' ? [[record.tensor.shape[0], record.tensor.data.byteLength]] : [],
    );
    expect(sizes).toEqual([
      [large.data.byteLength, large.data.byteLength],
      [large.data.byteLength, 0],
      [3, 3],
    ]);
    expect(groups[0]?.byteLength).toBeLessThan(65 * 1024 * 1024);
  });

  it('has what its level says', () => {
    for (const [level, kinds] of [
      [{ timestamps: true, tensors: false }, ['request', 'time', 'time', 'time']],
      [{ timestamps: false, tensors: true }, ['request', 'tensor']],
    ] as const) {
      const { whole, groups } = traced(level);
      whole.trace.reportTensors('TENSOR_QUEUE_INPUT', [tensor(1)]);
      whole.capture('HTTP_SEND_END');
      whole.trace.end(1);
      whole.close();
      expect(groups[0]?.records.get(1)?.map(({ kind }) => kind)).toEqual(kinds);
    }
  });
});
