import type { HeaderField, HttpHandler, HttpRequest, HttpResponder } from '@nereid/transport';
import {
  chooseMetricsFormat,
  type MetricsFormat,
  metricsContentTypes,
} from '../../observability/metrics-format.ts';

/** The part of the metrics registry that is served. */
export interface MetricsPage {
  text(format: MetricsFormat): string;
}

/**
 * Serves the metrics port as Triton does: the page at /metrics and /metrics/ whatever the query is,
 * nothing with status 200 at every other path, 405 for every other method than GET. Beyond Triton, whoever
 * asks for OpenMetrics gets that.
 */
export function metricsHandler(page: MetricsPage): HttpHandler {
  return {
    handle(request: HttpRequest, responder: HttpResponder): void {
      if (request.method !== 'GET') {
        // The server library's default content type; its own JSON goes out under it.
        responder.send(405, [['content-type', 'text/plain']], '{"error":"Method Not Allowed"}');
        return;
      }
      const found = request.path === '/metrics' || request.path === '/metrics/';
      const format = found ? chooseMetricsFormat(request.header('accept')) : 'prometheus';
      const headers: HeaderField[] = [['content-type', metricsContentTypes[format]]];
      responder.send(200, headers, found ? page.text(format) : null);
    },
  };
}
