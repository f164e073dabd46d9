import type { HeaderField } from '@nereid/transport';
import { prometheusContentType } from '../../../observability/prometheus-text.ts';
import type { HttpRoute } from '../http-route.ts';

const metricsHeaders: readonly HeaderField[] = [['Content-Type', prometheusContentType]];

export const metricsRoute: HttpRoute = {
  methods: ['GET'],
  path: '/v2/metrics',
  meaning: 'What the metrics port answers, on this port',
  origin: 'nereid',
  category: 'statistics',
  contentType: 'text/plain',
  handle({ context, responder }) {
    responder.send(200, metricsHeaders, context.metricsText());
  },
};
