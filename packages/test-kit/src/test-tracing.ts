import { TraceControl } from '../../server/src/control-plane/trace-control.ts';
import { silentLogger } from '../../server/src/core/logger.ts';
import {
  TraceManager,
  type TraceManagerOptions,
} from '../../server/src/observability/tracing/trace-manager.ts';
import { ManualClock } from './manual-clock.ts';

/** The tracing of a front end under test: off, without a file, for models of any name, unless `more` says otherwise. */
export function testTracing(more: Partial<TraceManagerOptions> = {}): {
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
  return { tracing, traceControl: new TraceControl(tracing, () => true) };
}
