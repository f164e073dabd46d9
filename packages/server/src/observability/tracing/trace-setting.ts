import type { IndexedTraceFile, TraceFile } from './trace-file.ts';
import type { TraceGroup } from './trace-record.ts';
import { isOff, type TraceSettingValues, type TraceTarget } from './trace-setting-values.ts';

/** Traces that a setting keeps in memory before it writes them, ahead of their time. */
const heldBytesMax = 4 * 1024 * 1024;

/**
 * How the requests of one model, or of all that have no setting of their own, are traced: which of
 * them, and where their traces go. Never changed: another takes its place, while requests that are
 * under way keep to theirs.
 */
export class TraceSetting {
  readonly values: TraceSettingValues;
  readonly target: TraceTarget;
  /** Which of the values are this setting's own, rather than those of the one above it. */
  readonly own: ReadonlySet<keyof TraceSettingValues>;
  /** Why it traces nothing; '' for one that does, as long as its count lasts. */
  readonly flaw: string;
  readonly #file: TraceFile;
  #count: number;
  #sampled = 0;
  #collected = 0;
  #open = 0;
  #retired = false;
  #held: TraceGroup[] = [];
  #heldBytes = 0;
  /** Groups since the last file was complete. */
  #inFile = 0;
  #indexed: IndexedTraceFile | null = null;

  constructor(
    values: TraceSettingValues,
    target: TraceTarget,
    own: ReadonlySet<keyof TraceSettingValues>,
    file: TraceFile,
  ) {
    this.values = values;
    this.target = target;
    this.own = own;
    this.#file = file;
    this.#count = values.count;
    this.flaw = flawOf(values, target);
  }

  /** How many more requests are traced; below 0 for any number. */
  get count(): number {
    return this.#count;
  }

  get valid(): boolean {
    return this.flaw === '' && this.#count !== 0;
  }

  /** True once it has been replaced, and its last request is complete. */
  get unused(): boolean {
    return this.#retired && this.#open === 0;
  }

  /**
   * Counts a request, and says whether it is traced.
   * @param forced True for one that its client wants traced, whatever rate and count say.
   */
  sample(forced: boolean): boolean {
    const { rate } = this.values;
    let hit = false;
    if (rate !== 0) {
      if (!this.valid && !forced) return false;
      hit = ++this.#sampled % rate === 0 && this.#count !== 0;
      if (hit && this.#count > 0) this.#count--;
    }
    return hit || forced;
  }

  /** A request that was sampled begins. */
  open(): void {
    this.#open++;
  }

  /** A request that was sampled is complete. @param group What was noted of it. */
  collect(group: TraceGroup): void {
    this.#open--;
    this.#collected++;
    this.#inFile++;
    this.#held.push(group);
    this.#heldBytes += group.byteLength;
    const { logFrequency } = this.values;
    const complete =
      (this.#count === 0 && this.#collected === this.#sampled) ||
      (logFrequency !== 0 && this.#inFile >= logFrequency);
    if (complete) this.#completeIndexed();
    else if (this.#heldBytes > heldBytesMax) this.#writeEarly();
    if (this.unused) this.flush();
  }

  /** Another setting has taken its place: what it has is written when its last request is complete. */
  retire(): void {
    this.#retired = true;
    if (this.#open === 0) this.flush();
  }

  /** Writes what it has, as at the end of the server. */
  flush(): void {
    if (this.#inFile === 0) return;
    if (this.values.logFrequency !== 0 || this.#indexed !== null) {
      this.#completeIndexed();
      return;
    }
    this.#inFile = 0;
    this.#file.append(this.#take());
  }

  #completeIndexed(): void {
    const indexed = this.#indexed ?? this.#file.indexed();
    this.#indexed = null;
    this.#inFile = 0;
    indexed.end(this.#take());
  }

  /** To the file that it will be complete in, as far as that can be told. */
  #writeEarly(): void {
    const { logFrequency, rate } = this.values;
    if (logFrequency !== 0 || (this.#count > 0 && rate === 1)) {
      this.#indexed ??= this.#file.indexed();
      this.#indexed.append(this.#take());
      return;
    }
    this.#file.append(this.#take());
  }

  #take(): readonly TraceGroup[] {
    const groups = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    return groups;
  }
}

function flawOf({ level, rate }: TraceSettingValues, { mode, file }: TraceTarget): string {
  if (isOff(level)) return 'tracing is disabled';
  if (rate === 0) return 'sample rate must be non-zero';
  if (mode === 'triton' && file === '') return 'trace file name is not given';
  return '';
}
