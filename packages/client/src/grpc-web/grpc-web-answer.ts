import { MessageFrames } from '../grpc/message-frames.ts';
import { statusText } from '../grpc/status-text.ts';
import { bodyPieces } from '../http/fetch-body.ts';
import type { RequestLimits } from '../http/request-limits.ts';
import { decompress } from '../http/stream-compression.ts';
import type { Compression } from '../infer-request.ts';
import {
  connectionError,
  grpcError,
  type InferenceError,
  notGrpcError,
  unreadableAnswer,
} from '../inference-error.ts';

/** Marks trailers among the messages. */
const trailerFlag = 0x80;
const compressedFlag = 1;
/** Characters of a body that is no gRPC-Web to tell of. */
const foreignTextMax = 200;

/** @throws InferenceError for an answer that is no gRPC-Web. */
export async function checkAnswer(response: Response, origin: string): Promise<void> {
  const type = response.headers.get('content-type') ?? '';
  if (response.status === 200 && type.startsWith('application/grpc-web')) return;
  const text = (await response.text()).slice(0, foreignTextMax);
  throw notGrpcError(response.status, `${origin} does not answer with gRPC-Web`, text);
}

/**
 * The messages of an answer, decompressed.
 * @throws InferenceError with what the call ended with, when that is no success.
 */
export async function* answerMessages(
  response: Response,
  limits: RequestLimits,
  origin: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoding = response.headers.get('grpc-encoding') ?? 'identity';
  const frames = new MessageFrames();
  const whole: { readonly message: Uint8Array; readonly flags: number }[] = [];
  let trailers: ReadonlyMap<string, string> | null = null;
  for await (const piece of bodyPieces(response, limits, origin)) {
    frames.read(piece, (message, flags) => whole.push({ message, flags }));
    for (const { message, flags } of whole.splice(0)) {
      if ((flags & trailerFlag) !== 0) trailers = trailersOf(message);
      else if (flags === 0) yield message;
      else yield await inflated(message, flags, encoding);
    }
  }
  const field = (name: string): string | null => trailers?.get(name) ?? response.headers.get(name);
  const error = outcome(field('grpc-status'), field('grpc-message'), origin);
  if (error !== null) throw error;
}

async function inflated(message: Uint8Array, flags: number, encoding: string): Promise<Uint8Array> {
  if (flags !== compressedFlag || (encoding !== 'gzip' && encoding !== 'deflate')) {
    throw unreadableAnswer(new RangeError('a message compressed in an unknown way'));
  }
  return await decompress(message, encoding satisfies Compression).catch((cause: unknown) => {
    throw unreadableAnswer(cause);
  });
}

/** Fields as HTTP/1.1 writes them; names in any case. */
function trailersOf(bytes: Uint8Array): ReadonlyMap<string, string> {
  const trailers = new Map<string, string>();
  for (const line of new TextDecoder().decode(bytes).split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) trailers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return trailers;
}

function outcome(
  status: string | null,
  message: string | null,
  origin: string,
): InferenceError | null {
  if (status === null) {
    return connectionError(origin, new Error('the call ended without a status'));
  }
  return status === '0' ? null : grpcError(Number(status), statusText(message ?? ''));
}
