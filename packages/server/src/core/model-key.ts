/** Names one model. `namespace` is the repository path with --model-namespacing, otherwise ''. */
export interface ModelId {
  readonly namespace: string;
  readonly name: string;
}

/** Names one version of one model. */
export interface ModelKey extends ModelId {
  /** 1 and up, as the version's folder is called. */
  readonly version: number;
}

/** As logs and error texts show a model: `name`, or `namespace::name`. */
export function modelIdText(id: ModelId): string {
  return id.namespace === '' ? id.name : `${id.namespace}::${id.name}`;
}

/** Order of the repository index: by namespace, then by name, in code units. */
export function compareModelIds(a: ModelId, b: ModelId): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return 0;
}
