const unitNs: Readonly<Record<string, number>> = {
  H: 3600e9,
  M: 60e9,
  S: 1e9,
  m: 1e6,
  u: 1e3,
  n: 1,
};

/** Reads `grpc-timeout`: up to eight digits and a unit. @returns Nanoseconds, or null for no timeout. */
export function parseGrpcTimeout(text: string): number | null {
  if (!/^\d{1,8}[HMSmun]$/.test(text)) return null;
  return Number(text.slice(0, -1)) * unitNs[text.slice(-1)]!;
}
