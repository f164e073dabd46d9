/** A regular expression that cannot be read, or that asks for something that is not supported. */
export class PatternError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PatternError';
  }
}
