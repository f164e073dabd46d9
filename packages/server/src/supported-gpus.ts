import { type CudaDevice, cudaDevices } from '@nereid/native';
import type { Logger } from './core/logger.ts';
import type { SupportedGpus } from './model-config/instance-groups.ts';

/**
 * The GPUs that models may be put on: those of the machine that are new enough.
 * @param find Gives all of the machine.
 */
export async function supportedGpus(
  minComputeCapability: number,
  logger: Logger,
  find: () => Promise<readonly CudaDevice[]> = cudaDevices,
): Promise<SupportedGpus> {
  const usable: CudaDevice[] = [];
  for (const device of await find()) {
    if (device.computeCapability >= minComputeCapability) usable.push(device);
    else {
      logger.warning(
        `GPU ${device.id} (${device.uuid}) is not used: its compute capability ${device.computeCapability} is below --min-supported-compute-capability=${minComputeCapability}`,
      );
    }
  }
  return {
    ids: usable.map(({ id }) => id),
    uuids: usable.map(({ uuid }) => uuid),
    minComputeCapability,
  };
}
