import { type DocumentedFamily, documentedFamily } from './documented-family.ts';
import type { MetricType } from './metric-sample.ts';

/** Names and help texts are Triton's. */
function family(name: string, type: MetricType, help: string): DocumentedFamily {
  return documentedFamily(
    name,
    type,
    help,
    ['gpu_uuid'],
    'with --allow-gpu-metrics, for each GPU whose driver tells it through NVML',
  );
}

export const gpuUtilization: DocumentedFamily = family(
  'nv_gpu_utilization',
  'gauge',
  'GPU utilization rate [0.0 - 1.0)',
);
export const gpuMemoryTotal: DocumentedFamily = family(
  'nv_gpu_memory_total_bytes',
  'gauge',
  'GPU total memory, in bytes',
);
export const gpuMemoryUsed: DocumentedFamily = family(
  'nv_gpu_memory_used_bytes',
  'gauge',
  'GPU used memory, in bytes',
);
export const gpuPowerUsage: DocumentedFamily = family(
  'nv_gpu_power_usage',
  'gauge',
  'GPU power usage in watts',
);
export const gpuPowerLimit: DocumentedFamily = family(
  'nv_gpu_power_limit',
  'gauge',
  'GPU power management limit in watts',
);
export const gpuEnergy: DocumentedFamily = family(
  'nv_energy_consumption',
  'counter',
  'GPU energy consumption in joules since the Triton Server started',
);

export const gpuFamilies: readonly DocumentedFamily[] = [
  gpuUtilization,
  gpuMemoryTotal,
  gpuMemoryUsed,
  gpuPowerUsage,
  gpuPowerLimit,
  gpuEnergy,
];
