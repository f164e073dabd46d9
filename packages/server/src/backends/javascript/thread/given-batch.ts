import { readRequests } from '../flat-messages.ts';
import { PackReader, type ThreadPost } from '../tensor-pack.ts';
import type { ThreadMessage } from '../thread-message.ts';
import { GivenRequest } from './given-request.ts';

/** Requests to execute together, and the number under which their results go. */
export interface GivenBatch {
  readonly batch: number;
  readonly requests: readonly GivenRequest[];
}

/** A batch that came by the port. */
export function givenBatch(
  { batch, requests }: Extract<ThreadMessage, { kind: 'execute' }>,
  post: ThreadPost,
): GivenBatch {
  const tensors = new PackReader(post);
  const given = readRequests(requests).map(
    (request) => new GivenRequest(request, tensors.take(request.inputs)),
  );
  return { batch, requests: given };
}
