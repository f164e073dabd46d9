import { TritonError } from '@nereid/protocol';
import type { HttpCall } from '../http/http-route.ts';
import { sendJson, sendRouteFailure } from '../http/replies.ts';
import type { AnswerFormat } from './answer-format.ts';
import type { Choice, Piece } from './choice.ts';
import type { GenerationReply, ReplyHead, Usage } from './generation-reply.ts';
import type { LogprobPlace } from './token-logprobs.ts';

/** Longer texts are not kept together: characters of all choices. */
const textCharsMax = 64 * 1024 * 1024;

interface GrowingText {
  readonly pieces: string[];
  readonly logprobs: LogprobPlace[];
}

/** Answers with all choices at once. */
export class WholeReply implements GenerationReply {
  readonly #call: HttpCall;
  readonly #head: ReplyHead;
  readonly #format: AnswerFormat;
  readonly #withLogprobs: boolean;
  readonly #texts = new Map<number, GrowingText>();
  readonly #choices: object[] = [];
  #chars = 0;

  constructor(call: HttpCall, head: ReplyHead, format: AnswerFormat, withLogprobs: boolean) {
    this.#call = call;
    this.#head = head;
    this.#format = format;
    this.#withLogprobs = withLogprobs;
  }

  /** @throws TritonError for more text than is kept. */
  add({ index }: Choice, { text, logprobs }: Piece): void {
    this.#chars += text.length;
    if (this.#chars > textCharsMax) {
      throw new TritonError('INTERNAL', `the model wrote more than ${textCharsMax} characters`);
    }
    const growing = this.#textOf(index);
    growing.pieces.push(text);
    for (const place of logprobs) growing.logprobs.push(place);
  }

  finish({ index, finishReason }: Choice): void {
    const { pieces, logprobs } = this.#textOf(index);
    const text = pieces.join('');
    this.#choices[index] = this.#format.whole({
      index,
      text,
      finishReason,
      logprobs: this.#withLogprobs ? logprobs : null,
    });
  }

  end(usage: Usage | null): void {
    const { id, created, model } = this.#head;
    sendJson(this.#call.responder, {
      id,
      object: this.#format.object,
      created,
      model,
      choices: this.#choices,
      system_fingerprint: null,
      usage,
    });
  }

  fail(error: TritonError): void {
    const { match, responder, context } = this.#call;
    sendRouteFailure(match.route, responder, error, context.logger);
  }

  #textOf(index: number): GrowingText {
    let text = this.#texts.get(index);
    if (text === undefined) {
      text = { pieces: [], logprobs: [] };
      this.#texts.set(index, text);
    }
    return text;
  }
}
