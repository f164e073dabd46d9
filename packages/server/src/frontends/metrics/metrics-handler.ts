import type { HttpHandler, HttpRequest, HttpResponder } from '@nereid/transport';
import { prometheusContentType } from '../../observability/prometheus-text.ts';

/** The part of the metrics registry that is served. */
export interface MetricsPage {
  text(): string;
}

const contentType: [string, string] = ['content-type', prometheusContentType];

/**
 * Serves the metrics port as Triton does: the page at /metrics and /metrics/ whatever the query is,
 * nothing with status 200 at every other path, 405 for every other method than GET.
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
      responder.send(200, [contentType], found ? page.text() : null);
    },
  };
}
