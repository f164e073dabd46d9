export {
  CircuitOpenError,
  type CircuitOptions,
  type CircuitState,
} from './calls/circuit-breaker.ts';
export type { BackoffOptions } from './calls/retry-policy.ts';
export type { Clock } from './clock.ts';
export { cocoLabels } from './coco-labels.ts';
export type { BoundingBox, Detection, DetectionResult } from './detection.ts';
export type { HeadStyle } from './heads/detection-head.ts';
export type { Labels } from './model-labels.ts';
export { detectionAgreement } from './rollout/detection-agreement.ts';
export { type FallBackOptions, Rollout, type RolloutOptions } from './rollout/rollout.ts';
export type { Route } from './rollout/rollout-metrics.ts';
export { stableShare } from './rollout/stable-share.ts';
export {
  type DetectOptions,
  type ModelStatus,
  TritonClient,
  type TritonClientOptions,
} from './triton-client.ts';
export { TritonConfig, type TritonProtocol, type TritonSettings } from './triton-config.ts';
export { ConfigurationError, PictureError, UnsupportedModelError } from './vision-error.ts';
