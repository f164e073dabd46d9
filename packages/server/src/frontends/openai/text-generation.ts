import { randomUUID } from 'node:crypto';
import {
  defaultRequestParameters,
  type InferRequestMessage,
  type TritonError,
} from '@nereid/protocol';
import type { InferResponse, ResponseSink } from '../../core/infer-response.ts';
import type { Logger } from '../../core/logger.ts';
import { publicFailure } from '../../core/public-failure.ts';
import type { ServedModel } from '../../lifecycle/served-model.ts';
import type { HttpCall } from '../http/http-route.ts';
import { inferTraced, tracedCall } from '../http/traced-call.ts';
import type { AnswerFormat } from './answer-format.ts';
import { Choice } from './choice.ts';
import { type GenerationRequest, generationInputs, stopsByItself } from './generation-inputs.ts';
import { type GenerationReply, usageOf } from './generation-reply.ts';
import { readAnswer } from './model-answer.ts';
import { samplingOfChoice } from './sampling.ts';
import { StreamedReply } from './streamed-reply.ts';
import { textModelOf } from './text-model.ts';
import { WholeReply } from './whole-reply.ts';

/** What a client asks for: so many choices for each of the prompts. */
export interface Generation {
  readonly model: ServedModel;
  readonly format: AnswerFormat;
  readonly requests: readonly GenerationRequest[];
  /** For each of the prompts. */
  readonly choices: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

/**
 * Generates texts and answers with them: an inference for each choice, all at once.
 * @throws TritonError for a request that is refused; nothing was answered then.
 */
export function generateTexts(plainCall: HttpCall, generation: Generation): void {
  const call = tracedCall(plainCall, generation.model.key.name);
  try {
    new TextGeneration(call, generation).start();
  } catch (failure) {
    call.traced?.close();
    throw failure;
  }
}

class TextGeneration {
  readonly #call: HttpCall;
  readonly #generation: Generation;
  readonly #choices: readonly Choice[];
  readonly #id: string;
  readonly #reply: GenerationReply;
  #started = false;
  #failure: TritonError | null = null;
  #unfinished: number;

  constructor(call: HttpCall, generation: Generation) {
    const { requests, choices, model, format, stream, includeUsage } = generation;
    this.#call = call;
    this.#generation = generation;
    const scans = !stopsByItself(textModelOf(model));
    this.#choices = requests.flatMap(({ sampling }, at) =>
      Array.from({ length: choices }, (_, i) => {
        const stops = scans ? sampling.stop : [];
        return new Choice(at * choices + i, sampling.maxTokens, stops);
      }),
    );
    this.#unfinished = this.#choices.length;
    const logprobs = requests.some((request) => request.logprobs !== null);
    const head = {
      id: `${format.idPrefix}${randomUUID().replaceAll('-', '')}`,
      created: Math.floor(call.context.clock.wallMs() / 1000),
      model: model.key.name,
    };
    this.#reply = stream
      ? new StreamedReply(call, head, format, { usage: includeUsage, logprobs })
      : new WholeReply(call, head, format, logprobs);
    this.#id = head.id;
  }

  /** @throws TritonError when the first inference is refused; nothing was answered then. */
  start(): void {
    for (const choice of this.#choices) {
      try {
        this.#infer(choice);
      } catch (failure) {
        if (choice.index === 0) throw failure;
        this.fail(publicFailure(failure, 'a request of OpenAI’s API', this.#call.context.logger));
      }
    }
    this.#started = true;
    if (this.#failure !== null) this.#reply.fail(this.#failure);
    else this.#endIfAll();
    this.#call.request.onAborted(() => this.#cancel());
  }

  #infer(choice: Choice): void {
    if (this.#failure !== null) return;
    const { model, requests, choices } = this.#generation;
    const request = requests[Math.floor(choice.index / choices)] as GenerationRequest;
    const sampling = samplingOfChoice(request.sampling, choice.index % choices);
    const { inputs, parameters } = generationInputs(textModelOf(model), { ...request, sampling });
    const message: InferRequestMessage = {
      id: this.#id,
      parameters: { ...defaultRequestParameters, custom: parameters },
      inputs,
      rawInput: null,
      outputs: [],
    };
    const sink = new ChoiceSink(this, choice, this.#call.context.logger);
    // One trace tells of one inference: of the first.
    const { traced: _, ...untraced } = this.#call;
    const call = choice.index === 0 ? this.#call : untraced;
    inferTraced(call, model, this.#withHeaders(message), choice.cancellation, sink);
  }

  #withHeaders(message: InferRequestMessage): InferRequestMessage {
    const { context, request } = this.#call;
    if (context.headerForwarding === null) return message;
    const parameters = context.headerForwarding.forward(message.parameters, request.headers());
    return { ...message, parameters };
  }

  /** @throws TritonError for an answer that is no text. */
  take(choice: Choice, response: InferResponse): void {
    if (this.#failure !== null) return;
    const answer = readAnswer(response, textModelOf(this.#generation.model).textOutput);
    const piece = choice.take(answer);
    this.#reply.add(choice, piece);
  }

  end(choice: Choice): void {
    if (this.#failure !== null) return;
    this.#reply.add(choice, choice.rest());
    this.#reply.finish(choice);
    this.#unfinished--;
    if (this.#started) this.#endIfAll();
  }

  /** One inference that fails takes the others along. */
  fail(error: TritonError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    if (this.#started) this.#reply.fail(error);
    this.#cancel();
  }

  #endIfAll(): void {
    if (this.#unfinished > 0) return;
    this.#reply.end(usageOf(this.#choices, this.#generation.choices));
  }

  #cancel(): void {
    for (const { cancellation } of this.#choices) cancellation.cancel();
  }
}

/** Receives the answers of one inference. */
class ChoiceSink implements ResponseSink {
  readonly #generation: TextGeneration;
  readonly #choice: Choice;
  readonly #logger: Logger;
  #ended = false;

  constructor(generation: TextGeneration, choice: Choice, logger: Logger) {
    this.#generation = generation;
    this.#choice = choice;
    this.#logger = logger;
  }

  respond(response: InferResponse | null, final: boolean): void {
    if (this.#ended) return;
    try {
      if (response !== null) this.#generation.take(this.#choice, response);
    } catch (failure) {
      this.fail(publicFailure(failure, 'a request of OpenAI’s API', this.#logger));
      return;
    }
    if (!final && !this.#choice.stopped) return;
    this.#ended = true;
    this.#generation.end(this.#choice);
    // What the model would say after a stop sequence is not wanted.
    if (!final) this.#choice.cancellation.cancel();
  }

  /** An error ends the choice, even where a model would go on. */
  fail(error: TritonError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#generation.fail(error);
  }
}
