import { parseModelVersion } from '../../../core/model-version.ts';
import type { HttpRoute } from '../http-route.ts';
import { sendEmpty, sendErrorText } from '../replies.ts';
import { whenKnown } from '../when-known.ts';

export const modelReadyRoute: HttpRoute = {
  methods: ['GET'],
  path: '/v2/models/{model}[/versions/{version}]/ready',
  meaning: 'Whether a model can take requests: 200 without a body, or 400 with a reason',
  origin: 'triton',
  category: 'health',
  contentType: 'text/plain',
  handle({ context, responder, match }) {
    const version = parseModelVersion(match.version);
    return whenKnown(context.controlPlane.isModelReady(match.model, version), (ready) => {
      if (ready) sendEmpty(responder, 200, 'text/plain');
      else sendErrorText(responder, 400, 'Model version not ready', 'text/plain');
    });
  },
};
