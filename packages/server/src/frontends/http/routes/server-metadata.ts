import type { HttpRoute } from '../http-route.ts';
import { sendJson } from '../replies.ts';

export const serverMetadataRoute: HttpRoute = {
  methods: ['GET'],
  path: '/v2',
  meaning: 'Name, version and extensions of the server',
  origin: 'triton',
  category: 'metadata',
  contentType: 'application/json',
  handle({ context, responder }) {
    sendJson(responder, context.controlPlane.serverMetadata());
  },
};
