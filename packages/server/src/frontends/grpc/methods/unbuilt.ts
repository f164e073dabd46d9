import { notSupportedYet } from '../../../control-plane/unbuilt-extension.ts';
import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

/** Methods of Triton's that the server does not have yet: they say so. */
export const unbuiltRpcs: readonly GrpcRpc[] = [
  unaryRpc({
    name: 'TraceSetting',
    category: 'trace',
    answer() {
      throw notSupportedYet('the trace extension');
    },
  }),
];
