import type { GrpcRpc } from '../grpc-rpc.ts';
import { InferStream } from '../infer-stream.ts';

/** Any number of inferences, each with any number of responses. */
export const modelStreamInferRpc: GrpcRpc = {
  name: 'inference.GRPCInferenceService/ModelStreamInfer',
  category: 'inference',
  request: null,
  method: (context) => ({
    kind: 'stream',
    open: (call, stream) => new InferStream(call, stream, context),
  }),
};
