import type { FrameworkEnv } from './framework-env.mjs';

/** One with OpenVINO, installed into .cache if need be. */
export function ensureOpenvinoEnv(): FrameworkEnv;
