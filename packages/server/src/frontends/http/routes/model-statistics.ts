import { parseModelVersion } from '../../../core/model-version.ts';
import type { HttpRoute } from '../http-route.ts';
import { sendJson } from '../replies.ts';

export const allStatisticsRoute: HttpRoute = {
  methods: ['GET'],
  path: '/v2/models/stats',
  meaning: 'Statistics of every model; hides the metadata of a model called `stats`',
  origin: 'triton',
  category: 'statistics',
  contentType: 'application/json',
  handle({ context, responder }) {
    sendJson(responder, { model_stats: context.controlPlane.statistics('', null) });
  },
};

export const modelStatisticsRoute: HttpRoute = {
  methods: ['GET'],
  path: '/v2/models/{model}[/versions/{version}]/stats',
  meaning: 'Statistics of a model',
  origin: 'triton',
  category: 'statistics',
  contentType: 'application/json',
  handle({ context, responder, match }) {
    const version = parseModelVersion(match.version);
    sendJson(responder, { model_stats: context.controlPlane.statistics(match.model, version) });
  },
};
