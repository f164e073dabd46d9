import type { TritonError } from '@nereid/protocol';
import type { HeaderField } from '@nereid/transport';
import { EventStream } from '../http/event-stream.ts';
import type { HttpCall } from '../http/http-route.ts';
import { sendRouteFailure } from '../http/replies.ts';
import type { AnswerFormat } from './answer-format.ts';
import type { Choice, Piece } from './choice.ts';
import { openAiErrorOf } from './error-replies.ts';
import type { GenerationReply, ReplyHead, Usage } from './generation-reply.ts';

const headers: readonly HeaderField[] = [
  ['Content-Type', 'text/event-stream; charset=utf-8'],
  ['Cache-Control', 'no-cache'],
];

const endOfStream = Buffer.from('[DONE]');

/** What is asked for beside the texts. */
export interface StreamedExtras {
  readonly usage: boolean;
  readonly logprobs: boolean;
}

/** Answers with server-sent events, each as soon as there is something to say. */
export class StreamedReply implements GenerationReply {
  readonly #call: HttpCall;
  readonly #head: ReplyHead;
  readonly #format: AnswerFormat;
  readonly #extras: StreamedExtras;
  /** Characters that were sent, by choice. */
  readonly #offsets = new Map<number, number>();
  #stream: EventStream | null = null;

  constructor(call: HttpCall, head: ReplyHead, format: AnswerFormat, extras: StreamedExtras) {
    this.#call = call;
    this.#head = head;
    this.#format = format;
    this.#extras = extras;
  }

  add({ index }: Choice, { text, logprobs }: Piece): void {
    const offset = this.#open(index);
    if (text === '' && logprobs.length === 0) return;
    this.#offsets.set(index, offset + text.length);
    const places = this.#extras.logprobs ? logprobs : null;
    const piece = this.#format.piece(index, text, places, offset);
    if (piece !== null) this.#sendChoice(piece);
  }

  finish({ index, finishReason }: Choice): void {
    for (const chunk of this.#format.closing(index, finishReason)) this.#sendChoice(chunk);
  }

  end(usage: Usage | null): void {
    if (this.#extras.usage && usage !== null) this.#send({ choices: [], usage });
    this.#end();
  }

  fail(error: TritonError): void {
    const { match, responder, context } = this.#call;
    if (this.#stream === null) {
      sendRouteFailure(match.route, responder, error, context.logger);
      return;
    }
    this.#sendText(JSON.stringify({ error: openAiErrorOf(error) }));
    this.#end();
  }

  /** The first chunk of a choice, once. @returns the characters that were sent of it. */
  #open(index: number): number {
    const offset = this.#offsets.get(index);
    if (offset !== undefined) return offset;
    this.#offsets.set(index, 0);
    const opening = this.#format.opening(index);
    if (opening !== null) this.#sendChoice(opening);
    return 0;
  }

  #sendChoice(choice: object): void {
    this.#send({ choices: [choice], ...(this.#extras.usage ? { usage: null } : {}) });
  }

  #send(members: { readonly choices: readonly object[]; readonly usage?: Usage | null }): void {
    const { id, created, model } = this.#head;
    const object = this.#format.chunkObject;
    this.#sendText(
      JSON.stringify({ id, object, created, model, system_fingerprint: null, ...members }),
    );
  }

  #sendText(text: string): void {
    if (this.#call.request.aborted) return;
    this.#stream ??= new EventStream(this.#call.responder.stream(200, headers));
    this.#stream.send(Buffer.from(text));
  }

  #end(): void {
    this.#stream ??= new EventStream(this.#call.responder.stream(200, headers));
    this.#stream.send(endOfStream);
    this.#stream.end();
  }
}
