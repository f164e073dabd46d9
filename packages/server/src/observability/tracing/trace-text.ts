import { tensorDataText } from './tensor-text.ts';
import type { TraceGroup, TraceRecord } from './trace-record.ts';

/**
 * A group as the inside of Triton's JSON array, in pieces that are each made in little time.
 *
 * @param offsetNs What the machine's monotonic clock is ahead of `Clock.nowNs`: its times are
 *   those that other programs on the machine see too.
 */
export function* traceGroupText(group: TraceGroup, offsetNs: bigint): Generator<string> {
  let first = true;
  for (const [id, records] of group.records) {
    for (const record of records) {
      if (!first) yield ',';
      first = false;
      yield* recordText(id, record, offsetNs);
    }
  }
}

function* recordText(id: number, record: TraceRecord, offsetNs: bigint): Generator<string> {
  if (record.kind === 'tensor') {
    const { name, dataType, shape } = record.tensor;
    yield `{"id":${id},"activity":"${record.activity}","tensor":{"name":${JSON.stringify(name)},"data":"`;
    yield* tensorDataText(record.tensor);
    yield `","shape":"${shape.join(',')}","dtype":"${dataType}"}}`;
    return;
  }
  if (record.kind === 'time') {
    const ns = offsetNs + BigInt(Math.round(record.ns));
    yield `{"id":${id},"timestamps":[{"name":"${record.name}","ns":${ns}}]}`;
    return;
  }
  const { modelName, modelVersion, id: requestId } = record.request;
  const request = requestId === '' ? '' : `,"request_id":${JSON.stringify(requestId)}`;
  const parent = record.parentId === 0 ? '' : `,"parent_id":${record.parentId}`;
  yield `{"id":${id},"model_name":${JSON.stringify(modelName)},"model_version":${modelVersion}${request}${parent}}`;
}
