/** Longer lines are cut. */
const lineLengthMax = 8 * 1024;
/** What may be logged in one interval; the rest is counted. */
const loggedBytesMax = 256 * 1024;

/** Cuts what a model prints into lines, and lets no more of it through than a log can bear. */
export class LimitedLines {
  readonly #writeLine: (line: string) => void;
  #partial = '';
  #loggedBytes = 0;
  #droppedBytes = 0;
  /** The last lines, for whoever asks why the worker ended. */
  #lastLines: string[] = [];

  constructor(writeLine: (line: string) => void) {
    this.#writeLine = writeLine;
  }

  get lastLine(): string {
    return this.#lastLines.at(-1) ?? '';
  }

  /** @param text Makes the text, where it is wanted. */
  write(byteLength: number, text: () => string): void {
    if (this.#loggedBytes > loggedBytesMax) {
      this.#droppedBytes += byteLength;
      return;
    }
    this.#loggedBytes += byteLength;
    const lines = (this.#partial + text()).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#write(line);
    if (this.#partial.length > lineLengthMax) {
      this.#write(this.#partial);
      this.#partial = '';
    }
  }

  /** Another interval begins. */
  nextInterval(): void {
    this.#loggedBytes = 0;
    if (this.#droppedBytes === 0) return;
    this.#writeLine(`… ${this.#droppedBytes} bytes of output were left out`);
    this.#droppedBytes = 0;
    this.#partial = '';
  }

  /** Nothing more comes: a line without an end is one too. */
  end(): void {
    this.nextInterval();
    if (this.#partial !== '') this.#write(this.#partial);
    this.#partial = '';
  }

  #write(line: string): void {
    const cut = line.length > lineLengthMax ? `${line.slice(0, lineLengthMax)}…` : line;
    const text = cut.endsWith('\r') ? cut.slice(0, -1) : cut;
    if (text.trim() === '') return;
    this.#lastLines = [...this.#lastLines.slice(-4), text];
    this.#writeLine(text);
  }
}
