import type { FrameworkEnv } from './framework-env.mjs';

/** One with TensorFlow, installed into .cache if need be. */
export function ensureTensorflowEnv(): FrameworkEnv;
