import { decodeInferRequest, type InferRequestMessage, TritonError } from '@nereid/protocol';
import { Cancellation } from '../../../core/cancellation.ts';
import { parseModelVersion } from '../../../core/model-version.ts';
import { sharedOutputMemory } from '../../../data-plane/shared-outputs.ts';
import type { ServedModel } from '../../../lifecycle/served-model.ts';
import type { SharedMemoryUse } from '../../../memory/shared-memory-use.ts';
import type { HttpCall, HttpRoute } from '../http-route.ts';
import { InferReply } from '../infer-reply.ts';
import { inferenceHeaderLength } from '../inference-header-length.ts';
import { sendErrorText, sendFailure } from '../replies.ts';
import { decompressBody } from '../request-encoding.ts';
import { chooseResponseEncoding } from '../response-encoding.ts';
import { inferTraced, tracedCall } from '../traced-call.ts';

export const inferRoute: HttpRoute = {
  methods: ['POST'],
  path: '/v2/models/{model}[/versions/{version}]/infer',
  meaning: 'Inference: JSON, binary tensor data, both mixed, or one raw binary input',
  origin: 'triton',
  category: 'inference',
  contentType: 'text/plain',
  /** Runs to the answer without a promise where the body is not compressed and the backend executes inline. */
  handle(plainCall) {
    const { context, request, match } = plainCall;
    const version = parseModelVersion(match.version);
    const find = (): ServedModel => {
      const model = context.dataPlane.model(match.model, version);
      refuseDecoupled(model);
      return model;
    };
    const model = find();
    const call = tracedCall(plainCall);
    const encoding = request.header('content-encoding');
    if (encoding === null || encoding === 'identity') {
      infer(call, model, find, request.body);
      return undefined;
    }
    if (encoding !== 'gzip' && encoding !== 'deflate') {
      sendErrorText(call.responder, 501, 'Unsupported compression type', 'text/plain', [
        ['Accept-Encoding', 'gzip, deflate'],
      ]);
      return undefined;
    }
    return decompressBody(request.body, context.options.maxInputBytes)
      .then((body) =>
        // The model may have been unloaded or reloaded meanwhile.
        infer(call, find(), find, body),
      )
      .catch((failure: unknown) => {
        call.traced?.close();
        throw failure;
      });
  },
};

function refuseDecoupled(model: ServedModel): void {
  if (model.config.model_transaction_policy?.decoupled === true) {
    throw new TritonError(
      'UNSUPPORTED',
      "HTTP end point doesn't support models with decoupled transaction policy",
    );
  }
}

/**
 * @param find Looks the model up again, after something was waited for.
 * @param body After decompression.
 */
function infer(
  call: HttpCall,
  model: ServedModel,
  find: () => ServedModel,
  body: Uint8Array,
): void {
  const { context } = call;
  const headerLength = headerLengthOf(call, body);
  const memory = context.sharedMemory.use(model.tensorsInPlace);
  try {
    const decoded = decodeInferRequest(body, headerLength, {
      modelName: model.config.name,
      inputBytesMax: context.options.maxInputBytes,
      sharedMemory: (range, direction, dataType) => memory.lookup(range, direction, dataType),
    });
    const message = withHeaders(call, decoded);
    const inputsReady = memory.inputsReady();
    if (inputsReady === null) {
      start(call, model, message, memory);
    } else {
      inputsReady
        .then(() => start(call, ...anew(find(), message, memory), memory))
        .catch((failure: unknown) => refuse(call, memory, failure));
    }
  } catch (failure) {
    refuse(call, memory, failure);
  }
}

/** @throws TritonError for a length that cannot be. */
function headerLengthOf({ request, traced }: HttpCall, body: Uint8Array): number {
  const headerValue = request.header('inference-header-content-length');
  if (headerValue === null) return body.length;
  try {
    return inferenceHeaderLength(headerValue, body.length);
  } catch (failure) {
    traced?.close();
    throw failure;
  }
}

/** The request with those of the HTTP request's headers that are handed on. @throws TritonError */
function withHeaders(
  { context, request }: HttpCall,
  message: InferRequestMessage,
): InferRequestMessage {
  const { headerForwarding } = context;
  if (headerForwarding === null) return message;
  const parameters = headerForwarding.forward(message.parameters, request.headers());
  return parameters === message.parameters ? message : { ...message, parameters };
}

/** A model that was found once more may be another one, which takes no tensors of clients' own. */
function anew(
  model: ServedModel,
  message: InferRequestMessage,
  memory: SharedMemoryUse,
): [ServedModel, InferRequestMessage] {
  if (model.tensorsInPlace) return [model, message];
  return [model, { ...message, inputs: memory.own(message.inputs) }];
}

/** @throws TritonError for a request that is not taken; nothing was answered then. */
function start(
  call: HttpCall,
  model: ServedModel,
  message: InferRequestMessage,
  memory: SharedMemoryUse,
): void {
  const { request } = call;
  const acceptEncoding = request.header('accept-encoding');
  const encoding = acceptEncoding === null ? 'identity' : chooseResponseEncoding(acceptEncoding);
  const cancellation = new Cancellation();
  const reply = new InferReply(call, model, message, memory, encoding);
  const outputMemory = sharedOutputMemory(message, memory);
  inferTraced(call, model, message, cancellation, reply, outputMemory);
  if (!reply.done) request.onAborted(() => cancellation.cancel());
}

function refuse({ context, responder }: HttpCall, memory: SharedMemoryUse, failure: unknown): void {
  memory.release();
  // Triton declares the type of the errors that it finds from here on.
  sendFailure(responder, failure, 'application/json', context.logger);
}
