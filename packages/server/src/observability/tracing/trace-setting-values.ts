/** What is noted of a traced request; neither: tracing is off. */
export interface TraceLevel {
  readonly timestamps: boolean;
  readonly tensors: boolean;
}

/** Triton's own file format, or OpenTelemetry's spans. */
export type TraceMode = 'triton' | 'opentelemetry';

/** What can be changed while the server runs. */
export interface TraceSettingValues {
  readonly level: TraceLevel;
  /** One request in so many is traced, 32 bits without sign; 0 for none but those that ask for it. */
  readonly rate: number;
  /** How many more requests are traced; below 0 for any number. */
  readonly count: number;
  /** Traces a file, 32 bits without sign; 0 for all in one. */
  readonly logFrequency: number;
}

/** What holds for the life of the server. */
export interface TraceTarget {
  readonly mode: TraceMode;
  /** '' for none. */
  readonly file: string;
  /** Further settings of the mode, as clients are told of them. */
  readonly modeSettings: readonly (readonly [name: string, value: string])[];
}

/** What a client is told. */
export type TraceStatus = TraceSettingValues & TraceTarget;

/** What a client wants changed: null clears a value, so that the one above it counts; absent leaves it. */
export type TraceChange = {
  readonly [Name in keyof TraceSettingValues]?: TraceSettingValues[Name] | null;
};

export function isOff({ timestamps, tensors }: TraceLevel): boolean {
  return !timestamps && !tensors;
}
