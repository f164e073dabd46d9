import { modelConfigToJson } from '@nereid/protocol';
import { parseModelVersion } from '../../../core/model-version.ts';
import type { HttpRoute } from '../http-route.ts';
import { sendJsonText } from '../replies.ts';

export const modelConfigurationRoute: HttpRoute = {
  methods: ['GET'],
  path: '/v2/models/{model}[/versions/{version}]/config',
  meaning: 'The configuration that a model is served with, completed and normalised',
  origin: 'triton',
  category: 'model-config',
  contentType: 'application/json',
  handle({ context, responder, match }) {
    const version = parseModelVersion(match.version);
    const config = context.controlPlane.modelConfig(match.model, version);
    sendJsonText(responder, modelConfigToJson(config));
  },
};
