import { modelConfigToJson } from '@nereid/protocol';
import type { HttpRoute } from '../http-route.ts';
import { parseModelVersion } from '../model-version.ts';
import { sendJson } from '../replies.ts';

export const modelConfigurationRoute: HttpRoute = {
  methods: ['GET'],
  path: '/v2/models/{model}[/versions/{version}]/config',
  meaning: 'The configuration that a model is served with, completed and normalised',
  origin: 'triton',
  contentType: 'application/json',
  handle({ context, responder, match }) {
    const version = parseModelVersion(match.version);
    sendJson(responder, modelConfigToJson(context.controlPlane.modelConfig(match.model, version)));
  },
};
