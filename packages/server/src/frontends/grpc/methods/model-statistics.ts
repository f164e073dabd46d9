import { parseModelVersion } from '../../../core/model-version.ts';
import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

/** Statistics of a model, or of all. */
export const modelStatisticsRpc: GrpcRpc = unaryRpc<{ name: string; version: string }>({
  name: 'ModelStatistics',
  category: 'statistics',
  answer: ({ name, version }, { controlPlane }) => ({
    model_stats: controlPlane.statistics(name, parseModelVersion(version)),
  }),
});
