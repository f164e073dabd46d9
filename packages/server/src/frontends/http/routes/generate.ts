import { decodeGenerateRequest, type GenerateInput, TritonError } from '@nereid/protocol';
import { Cancellation } from '../../../core/cancellation.ts';
import { parseModelVersion } from '../../../core/model-version.ts';
import type { ServedModel } from '../../../lifecycle/served-model.ts';
import { generateInputs } from '../generate-inputs.ts';
import { GenerateReply } from '../generate-reply.ts';
import { GenerateStreamReply } from '../generate-stream-reply.ts';
import type { HttpCall, HttpRoute } from '../http-route.ts';
import { inferTraced, tracedCall } from '../traced-call.ts';

const path = '/v2/models/{model}[/versions/{version}]';

export const generateRoute: HttpRoute = {
  methods: ['POST'],
  path: `${path}/generate`,
  meaning: 'Inference with plain JSON, one response',
  origin: 'triton',
  category: 'inference',
  contentType: 'application/json',
  handle: (call) => generate(call, (of) => new GenerateReply(of)),
};

export const generateStreamRoute: HttpRoute = {
  methods: ['POST'],
  path: `${path}/generate_stream`,
  meaning: 'Inference with plain JSON, its responses as server-sent events',
  origin: 'triton',
  category: 'inference',
  contentType: 'application/json',
  handle: (call) => generate(call, (of) => new GenerateStreamReply(of)),
};

/** What the models' inputs are called, once for each. */
const inputsByModel = new WeakMap<ServedModel, ReadonlyMap<string, GenerateInput>>();

/** @throws TritonError for a request that is not taken; nothing was answered then. */
function generate(
  plainCall: HttpCall,
  replyTo: (call: HttpCall) => GenerateReply | GenerateStreamReply,
): void {
  const { context, match } = plainCall;
  const model = context.dataPlane.model(match.model, parseModelVersion(match.version));
  const call = tracedCall(plainCall);
  try {
    start(call, model, replyTo);
  } catch (failure) {
    call.traced?.close();
    throw failure;
  }
}

function start(
  call: HttpCall,
  model: ServedModel,
  replyTo: (call: HttpCall) => GenerateReply | GenerateStreamReply,
): void {
  const { context, request } = call;
  const encoding = request.header('content-encoding');
  if (encoding !== null && encoding !== 'identity') {
    throw new TritonError(
      'INVALID_ARG',
      "Unsupported content-encoding, only 'identity' is supported.",
    );
  }
  const message = decodeGenerateRequest(request.body, {
    inputs: inputsOf(model),
    inputBytesMax: context.options.maxInputBytes,
  });
  // The tensors are copies.
  request.releaseBody?.();
  const cancellation = new Cancellation();
  const reply = replyTo(call);
  inferTraced(call, model, message, cancellation, reply);
  if (!reply.done) request.onAborted(() => cancellation.cancel());
}

function inputsOf(model: ServedModel): ReadonlyMap<string, GenerateInput> {
  let inputs = inputsByModel.get(model);
  if (inputs === undefined) {
    inputs = generateInputs(model.config);
    inputsByModel.set(model, inputs);
  }
  return inputs;
}
