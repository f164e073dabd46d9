/** A setting that cannot be used. */
export class ConfigurationError extends Error {
  /** The environment variable, or the name of the setting where it came from code. */
  readonly variable: string;
  readonly value: string;

  constructor(variable: string, value: string, expected: string) {
    super(`${variable} must be ${expected}, not '${value}'`);
    this.name = 'ConfigurationError';
    this.variable = variable;
    this.value = value;
  }
}

/** A picture that cannot be read: of another format, damaged, or too large. */
export class PictureError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'PictureError';
  }
}

/** A model that takes no single picture, or whose answer is none of a detector that is known here. */
export class UnsupportedModelError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnsupportedModelError';
  }
}
