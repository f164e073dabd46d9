/** Where models come from: one `--model-repository`. */
export interface ModelSource {
  /** The repository as it was named on the command line; the models' namespace with --model-namespacing. */
  readonly path: string;
  /** Names of all models in it, sorted. @throws TritonError when the repository cannot be read. */
  modelNames(): Promise<readonly string[]>;
  /** The local folder of a model, or null when the repository has no such model. */
  modelDirectory(name: string): Promise<string | null>;
}
