export function ensureChromium():
  | { available: true; path: string }
  | { available: false; reason: string };
