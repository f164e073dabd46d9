import { TritonError } from '@nereid/protocol';
import type { HttpContext, HttpRoute } from '../http-route.ts';
import { parseModelVersion } from '../model-version.ts';
import { sendEmpty, sendErrorText } from '../replies.ts';

export const modelReadyRoute: HttpRoute = {
  methods: ['GET'],
  path: '/v2/models/{model}[/versions/{version}]/ready',
  meaning: 'Whether a model can take requests: 200 without a body, or 400 with a reason',
  origin: 'triton',
  category: 'health',
  contentType: 'text/plain',
  handle({ context, responder, match }) {
    const version = parseModelVersion(match.version);
    if (isReady(context.controlPlane, match.model, version)) {
      sendEmpty(responder, 200, 'text/plain');
    } else {
      sendErrorText(responder, 400, 'Model version not ready', 'text/plain');
    }
  },
};

/**
 * A model that cannot be looked up is simply not ready: scripts wait for the 400 after an unload, and
 * the recorded server answers it. (Triton 2.73 answers with the look-up error instead.)
 */
function isReady(
  controlPlane: HttpContext['controlPlane'],
  name: string,
  version: number | null,
): boolean {
  try {
    return controlPlane.isModelReady(name, version);
  } catch (failure) {
    if (failure instanceof TritonError) return false;
    throw failure;
  }
}
