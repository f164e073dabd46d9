import { TritonError } from '@nereid/protocol';
import type { HttpRoute } from '../http-route.ts';
import { sendJson } from '../replies.ts';
import { findMember, parseRequestJson } from '../request-json.ts';

export const repositoryIndexRoute: HttpRoute = {
  methods: ['POST'],
  path: '/v2/repository[/{repository}]/index',
  meaning:
    'Models of the repository with their states; `{"ready": true}` leaves only those that serve',
  origin: 'triton',
  category: 'model-repository',
  contentType: 'application/json',
  async handle({ context, request, responder }) {
    const body = parseRequestJson(request.body, context.options.maxInputBytes);
    const ready = body === null ? undefined : findMember(body, 'ready');
    if (ready !== undefined && typeof ready !== 'boolean') {
      throw new TritonError('INVALID_ARG', "Invalid value for 'ready': expected a boolean");
    }
    sendJson(responder, await context.controlPlane.repositoryIndex(ready === true));
  },
};
