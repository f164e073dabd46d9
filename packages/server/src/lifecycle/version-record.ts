import type { ModelConfigHint } from '@nereid/protocol';
import type { ModelState } from '../core/model-state.ts';
import type { LoadedModel } from './loaded-model.ts';

/**
 * What the repository index tells about one version. Owned by the life cycle; a reload of a version
 * that serves keeps its new record apart until it replaces the old one.
 */
export class VersionRecord {
  readonly version: number;
  state: ModelState = 'LOADING';
  /** Why the version is UNAVAILABLE, '' otherwise. */
  reason = '';
  /** Where the configuration is at fault and how to mend it, when a load failed for that. */
  hint: ModelConfigHint | null = null;
  /** Set while READY or UNLOADING. */
  model: LoadedModel | null = null;

  constructor(version: number) {
    this.version = version;
  }

  becomeReady(): void {
    this.state = 'READY';
    this.reason = '';
    this.hint = null;
  }

  fail(reason: string, hint: ModelConfigHint | null): void {
    this.state = 'UNAVAILABLE';
    this.reason = reason;
    this.hint = hint;
    this.model = null;
  }

  /** Resolves when the last request is answered and every resource is released. */
  async unload(): Promise<void> {
    const model = this.model;
    if (model === null || this.state === 'UNLOADING') return;
    this.state = 'UNLOADING';
    try {
      await model.close();
    } finally {
      this.model = null;
      this.state = 'UNAVAILABLE';
      this.reason = 'unloaded';
    }
  }
}
