import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

/** Name, version and extensions of the server. */
export const serverMetadataRpc: GrpcRpc = unaryRpc({
  name: 'ServerMetadata',
  category: 'metadata',
  answer: (_request, { controlPlane }) => controlPlane.serverMetadata(),
});
