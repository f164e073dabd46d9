/** The platform whose models are other models, put together. */
export const ensemblePlatform = 'ensemble';

/** The platform of TensorRT plans: a few fields are only for these. */
export const tensorrtPlatform = 'tensorrt_plan';

/** Platforms that Triton knows, and the backend that serves each. */
const backendOfPlatform: ReadonlyMap<string, string> = new Map([
  ['tensorflow_graphdef', 'tensorflow'],
  ['tensorflow_savedmodel', 'tensorflow'],
  [tensorrtPlatform, 'tensorrt'],
  ['onnxruntime_onnx', 'onnxruntime'],
  ['pytorch_libtorch', 'pytorch'],
]);

const backendsWithPlatforms: ReadonlySet<string> = new Set(backendOfPlatform.values());

/**
 * Whether a backend may serve a platform. Backends that Triton does not know by name take any; those
 * it knows take only their own. PyTorch's second platform, torch_aoti, is accepted too: Triton's table
 * of backends gives both PyTorch kinds one name and so would refuse it.
 */
export function platformFitsBackend(platform: string, backend: string): boolean {
  if (!backendsWithPlatforms.has(backend)) return true;
  if (backend === 'pytorch' && platform === 'torch_aoti') return true;
  return backendOfPlatform.get(platform) === backend;
}

/** The platforms of a backend, for messages. */
export function platformsOf(backend: string): readonly string[] {
  return [...backendOfPlatform].filter(([, name]) => name === backend).map(([name]) => name);
}
