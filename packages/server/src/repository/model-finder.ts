import type { ModelId } from '../core/model-key.ts';
import { compareModelIds } from '../core/model-key.ts';
import type { ModelSource } from './model-source.ts';

/** A model in a repository. */
export interface FoundModel {
  readonly id: ModelId;
  readonly directory: string;
}

/** What a look through the repositories gave. */
export interface FoundModels {
  /** In the order of the repository index. */
  readonly unique: readonly FoundModel[];
  /** Models that several repositories have: none of them may be loaded. */
  readonly duplicates: readonly ModelId[];
}

/** Looks for models in all repositories. With namespaces, equal names in different repositories are different models. */
export class ModelFinder {
  readonly #sources: readonly ModelSource[];
  readonly #namespacing: boolean;

  constructor(sources: readonly ModelSource[], namespacing: boolean) {
    this.#sources = sources;
    this.#namespacing = namespacing;
  }

  /** @throws TritonError when a repository cannot be read. */
  async all(): Promise<FoundModels> {
    const places: FoundModel[] = [];
    for (const source of this.#sources) {
      for (const name of await source.modelNames()) {
        const directory = await source.modelDirectory(name);
        if (directory !== null) places.push({ id: this.#id(source, name), directory });
      }
    }
    return separate(places);
  }

  /** All places that have a model of this name. */
  async named(name: string): Promise<FoundModels> {
    const places: FoundModel[] = [];
    for (const source of this.#sources) {
      const directory = await source.modelDirectory(name);
      if (directory !== null) places.push({ id: this.#id(source, name), directory });
    }
    return separate(places);
  }

  #id(source: ModelSource, name: string): ModelId {
    return { namespace: this.#namespacing ? source.path : '', name };
  }
}

function separate(places: readonly FoundModel[]): FoundModels {
  const sorted = [...places].sort((a, b) => compareModelIds(a.id, b.id));
  const unique: FoundModel[] = [];
  const duplicates: ModelId[] = [];
  for (let i = 0; i < sorted.length; ) {
    const place = sorted[i] as FoundModel;
    let end = i + 1;
    while (end < sorted.length && compareModelIds((sorted[end] as FoundModel).id, place.id) === 0) {
      end++;
    }
    if (end - i === 1) unique.push(place);
    else duplicates.push(place.id);
    i = end;
  }
  return { unique, duplicates };
}
