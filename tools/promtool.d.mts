import type { GoTool } from './go-tools.mjs';

/** Gives the path of promtool, after getting it if need be, or the reason why that fails. */
export function ensurePromtool(): GoTool;
