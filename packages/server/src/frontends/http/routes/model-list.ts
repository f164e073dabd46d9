import type { HttpRoute } from '../http-route.ts';
import { sendJson } from '../replies.ts';

export const modelListRoute: HttpRoute = {
  methods: ['GET'],
  path: '/v2/models',
  meaning:
    'The repository index by GET: `{"models": [{"name", "version", "state", "reason"}]}`, members without a value left out',
  origin: 'nereid',
  category: 'model-repository',
  contentType: 'application/json',
  async handle({ context, responder }) {
    sendJson(responder, { models: await context.controlPlane.repositoryIndex(false) });
  },
};
