import { parseModelVersion } from '../../../core/model-version.ts';
import type { HttpRoute } from '../http-route.ts';
import { sendJson } from '../replies.ts';

export const modelBatchingRoute: HttpRoute = {
  methods: ['GET'],
  path: '/v2/models/{model}[/versions/{version}]/batching',
  meaning: 'What the queue of a model did: batch sizes, and why each batch was sent when it was',
  origin: 'nereid',
  category: 'statistics',
  contentType: 'application/json',
  handle({ context, responder, match }) {
    const version = parseModelVersion(match.version);
    sendJson(responder, context.controlPlane.batching(match.model, version));
  },
};
