import { parseModelVersion } from '../../../core/model-version.ts';
import type { HttpRoute } from '../http-route.ts';
import { sendJson } from '../replies.ts';

export const modelMetadataRoute: HttpRoute = {
  methods: ['GET'],
  path: '/v2/models/{model}[/versions/{version}]',
  meaning: 'Inputs, outputs, versions and platform of a model',
  origin: 'triton',
  category: 'metadata',
  contentType: 'application/json',
  handle({ context, responder, match }) {
    const version = parseModelVersion(match.version);
    sendJson(responder, context.controlPlane.modelMetadata(match.model, version));
  },
};
