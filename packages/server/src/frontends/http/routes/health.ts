import type { HttpRoute } from '../http-route.ts';
import { sendEmpty } from '../replies.ts';
import { whenKnown } from '../when-known.ts';

/** The process runs and answers. */
export const healthLiveRoute: HttpRoute = {
  methods: ['GET'],
  path: '/v2/health/live',
  meaning: 'Whether the server runs: 200 or 400, without a body',
  origin: 'triton',
  category: 'health',
  contentType: 'text/plain',
  handle({ context, responder }) {
    sendEmpty(responder, context.controlPlane.isLive() ? 200 : 400, 'text/plain');
  },
};

/** The server, and with strict readiness every model, can take requests. */
export const healthReadyRoute: HttpRoute = {
  methods: ['GET'],
  path: '/v2/health/ready',
  meaning: 'Whether the server can take requests: 200 or 400, without a body',
  origin: 'triton',
  category: 'health',
  contentType: 'text/plain',
  handle({ context, responder }) {
    return whenKnown(context.controlPlane.isReady(), (ready) =>
      sendEmpty(responder, ready ? 200 : 400, 'text/plain'),
    );
  },
};
