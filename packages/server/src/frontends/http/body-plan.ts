import type { BodyPlan, HttpRequest } from '@nereid/transport';
import type { ErrorStyle, HttpContext, RouteMatch } from './http-route.ts';
import { plannedHeaderLength } from './inference-header-length.ts';
import { refusalReply } from './replies.ts';
import { jsonSizeRefusal } from './request-json.ts';
import { inferRoute } from './routes/infer.ts';

/** The int32 that Triton reads the length of an inference body into. */
const inferBodyBytesMax = 2_147_483_647;

/**
 * What a body may have beyond the limit of its content before it is not read any more: so much of it
 * is read that most clients who send too much are told by how much, in Triton's words.
 */
const slackBytes = 1024 * 1024;

/**
 * Decides by the header of a request where its body goes and how large it may be. Triton limits JSON
 * and what a compressed body inflates to, but not binary tensors behind a JSON header.
 *
 * @param style Of what is said to a body that is too large.
 */
export function planBody(
  request: HttpRequest,
  match: RouteMatch | null,
  style: ErrorStyle | null,
  context: HttpContext,
): BodyPlan | null {
  const { maxInputBytes } = context.options;
  const bodyBytesMax = maxInputBytes + slackBytes;
  if (match?.route !== inferRoute || request.method !== 'POST') {
    return jsonPlan(request, style, maxInputBytes);
  }
  if (request.header('content-encoding') !== null) return { bodyBytesMax };
  const headerValue = request.header('inference-header-content-length');
  if (headerValue === null) return jsonPlan(request, style, maxInputBytes);
  const alignedOffset = plannedHeaderLength(headerValue);
  if (alignedOffset === null || alignedOffset === 0) return { bodyBytesMax };
  return { bodyBytesMax: inferBodyBytesMax, alignedOffset };
}

function jsonPlan(request: HttpRequest, style: ErrorStyle | null, inputBytesMax: number): BodyPlan {
  const bodyBytesMax = inputBytesMax + slackBytes;
  const declared = Number(request.header('content-length') ?? 0);
  if (declared <= bodyBytesMax) return { bodyBytesMax };
  return { reject: refusalReply(style, 'length', jsonSizeRefusal(declared, inputBytesMax)) };
}
