import { TritonError } from '../triton-error.ts';
import { type FieldPath, formatPath } from './message-value.ts';

/**
 * What helps to mend a configuration, beside the message that Triton's clients match on. `file`, `line`
 * and `column` are null when the configuration did not come from a file (completed, or an override).
 */
export interface ModelConfigHint {
  readonly file: string | null;
  /** 1 is the first. */
  readonly line: number | null;
  /** 1 is the first, in UTF-16 units. */
  readonly column: number | null;
  /** The field meant, such as `input[0].dims`, or ''. */
  readonly field: string;
  /** What to do, as one sentence without a full stop. */
  readonly fix: string;
}

/** A configuration that cannot be used. `message` is what goes onto the wire; the hint goes to logs and people. */
export class ModelConfigError extends TritonError {
  readonly hint: ModelConfigHint | null;

  constructor(code: TritonError['code'], message: string, hint: ModelConfigHint | null) {
    super(code, message);
    this.name = 'ModelConfigError';
    this.hint = hint;
  }
}

/** The hint as one line: `/models/m/config.pbtxt:3:17: input[0].dims: give at least one dimension`. */
export function formatHint(hint: ModelConfigHint): string {
  const at = hint.line === null ? '' : `:${hint.line}:${hint.column ?? 1}`;
  const place = hint.file === null ? '' : `${hint.file}${at}: `;
  const field = hint.field === '' ? '' : `${hint.field}: `;
  return place + field + hint.fix;
}

/** A value that the schema's type allows and we do not. Readers turn it into a ModelConfigError. */
export class ModelConfigValueError extends Error {
  readonly path: FieldPath;
  readonly problem: string;

  constructor(path: FieldPath, problem: string) {
    super(`${formatPath(path)}: ${problem}`);
    this.name = 'ModelConfigValueError';
    this.path = path;
    this.problem = problem;
  }
}
