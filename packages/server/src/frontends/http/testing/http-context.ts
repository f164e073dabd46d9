import {
  FakeModelRegistry,
  type FakeServedModel,
  ManualClock,
  testTracing,
} from '@nereid/test-kit';
import { LogControl } from '../../../control-plane/log-control.ts';
import { RestrictedApis } from '../../../control-plane/restricted-apis.ts';
import { silentLogger } from '../../../core/logger.ts';
import { DataPlane } from '../../../data-plane/data-plane.ts';
import { SharedMemoryRegistry } from '../../../memory/shared-memory-registry.ts';
import type { HttpContext } from '../http-route.ts';

/** Nothing behind the routes may be reached: each access throws. */
const unreachable: HttpContext['controlPlane'] = new Proxy({} as HttpContext['controlPlane'], {
  get() {
    throw new Error('reached the control plane');
  },
});

/** What routes work with, with everything off and no control plane unless `more` says otherwise. */
export function httpContext(
  models: readonly FakeServedModel[],
  more: Partial<HttpContext> = {},
): HttpContext {
  return {
    dataPlane: new DataPlane({
      registry: new FakeModelRegistry(models),
      clock: new ManualClock(),
      logger: silentLogger,
    }),
    controlPlane: unreachable,
    metricsText: () => 'nv_metric 1\n',
    logControl: new LogControl({
      settings: { info: true, warning: true, error: true, verboseLevel: 0, format: 'default' },
      file: '',
    }),
    sharedMemory: new SharedMemoryRegistry({ allowed: false, logger: silentLogger }),
    ...testTracing({}, models),
    headerForwarding: null,
    restrictedApis: new RestrictedApis([]),
    options: { maxInputBytes: 100_000 },
    clock: new ManualClock(),
    logger: silentLogger,
    ...more,
  };
}
