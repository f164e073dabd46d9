import { TraceControl } from '../../server/src/control-plane/trace-control.ts';
import { silentLogger } from '../../server/src/core/logger.ts';
import {
  TraceManager,
  type TraceManagerOptions,
} from '../../server/src/observability/tracing/trace-manager.ts';
import { FakeModelRegistry, type FakeServedModel } from './fake-served-model.ts';
import { ManualClock } from './manual-clock.ts';

/** The tracing of a front end under test: off and without a file, unless `more` says otherwise. */
export function testTracing(
  more: Partial<TraceManagerOptions> = {},
  models: readonly FakeServedModel[] = [],
): {
  readonly tracing: TraceManager;
  readonly traceControl: TraceControl;
} {
  const tracing = new TraceManager({
    values: {
      level: { timestamps: false, tensors: false },
      rate: 1000,
      count: -1,
      logFrequency: 0,
    },
    target: { mode: 'triton', file: '', modeSettings: [] },
    clock: new ManualClock(),
    logger: silentLogger,
    spans: null,
    monotonicOffsetNs: 0n,
    ...more,
  });
  return { tracing, traceControl: new TraceControl(tracing, new FakeModelRegistry(models)) };
}
