/** Names one version of one model. `namespace` is the repository path, or '' without --model-namespacing. */
export interface ModelKey {
  readonly namespace: string;
  readonly name: string;
  /** 1 and up, as the version's folder is called. */
  readonly version: number;
}

/** The version that a request asks for: a number, or null for the highest ready one. */
export type RequestedVersion = number | null;
