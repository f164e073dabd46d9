import { notSupportedYet } from '../../../control-plane/unbuilt-extension.ts';
import type { ApiCategory } from '../../../options/setting-format.ts';
import type { HttpRoute } from '../http-route.ts';

/** Endpoints of Triton's that the server does not have yet: they say so instead of being unknown. */
function unbuiltRoute(
  methods: readonly string[],
  path: string,
  category: ApiCategory,
  meaning: string,
  subject: string,
): HttpRoute {
  return {
    methods,
    path,
    meaning: `${meaning} (not supported yet: 501)`,
    origin: 'triton',
    category,
    contentType: 'application/json',
    handle() {
      throw notSupportedYet(subject);
    },
  };
}

export const unbuiltRoutes: readonly HttpRoute[] = [
  unbuiltRoute(
    ['GET', 'POST'],
    '/v2/trace/setting',
    'trace',
    'Trace settings of the server',
    'the trace extension',
  ),
  unbuiltRoute(
    ['GET', 'POST'],
    '/v2/models/{model}/trace/setting',
    'trace',
    'Trace settings of a model',
    'the trace extension',
  ),
];
