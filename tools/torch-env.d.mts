import type { FrameworkEnv } from './framework-env.mjs';

/** One with PyTorch and transformers, installed into .cache if need be. */
export function ensureTorchEnv(): FrameworkEnv;
