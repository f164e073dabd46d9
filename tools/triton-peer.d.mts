/** A real tritonserver, or why there is none here. */
export type TritonPeer =
  | {
      readonly available: true;
      readonly path: string;
      readonly flags: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly available: false; readonly reason: string };

/** Downloads the server into .cache if need be. */
export function ensureTritonPeer(): TritonPeer;
