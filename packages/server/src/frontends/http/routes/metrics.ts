import { chooseMetricsFormat, metricsContentTypes } from '../../../observability/metrics-format.ts';
import type { HttpRoute } from '../http-route.ts';

export const metricsRoute: HttpRoute = {
  methods: ['GET'],
  path: '/v2/metrics',
  meaning: 'What the metrics port answers, on this port',
  origin: 'nereid',
  category: 'statistics',
  contentType: 'text/plain',
  handle({ context, request, responder }) {
    const format = chooseMetricsFormat(request.header('accept'));
    responder.send(
      200,
      [['Content-Type', metricsContentTypes[format]]],
      context.metricsText(format),
    );
  },
};
