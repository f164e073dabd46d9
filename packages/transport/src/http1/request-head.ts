import { lowerCase } from './character-classes.ts';

/**
 * The header of one request: a view on the bytes that were received, with the places of its parts.
 * Text is made of them only where somebody asks.
 */
export class RequestHead {
  bytes: Buffer;
  method = '';
  /** Where the target is; its characters are printable ASCII. */
  targetStart = 0;
  targetEnd = 0;
  minorVersion = 1;
  /** Four places a field: start and end of its name, start and end of its value. */
  readonly fields: number[] = [];
  /** -1 where there is no Content-Length. */
  contentLength = -1;
  chunked = false;
  hasHost = false;
  connectionClose = false;
  connectionKeepAlive = false;
  expect: 'nothing' | 'continue' | 'unknown' = 'nothing';

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** RFC 9112 section 9.3. */
  get keepAlive(): boolean {
    return this.minorVersion === 1
      ? !this.connectionClose
      : this.connectionKeepAlive && !this.connectionClose;
  }

  get hasBody(): boolean {
    return this.chunked || this.contentLength > 0;
  }

  target(): string {
    return this.bytes.toString('latin1', this.targetStart, this.targetEnd);
  }

  /** First value of the header, or null. */
  header(lowerCaseName: string): string | null {
    const { fields, bytes } = this;
    const { length } = lowerCaseName;
    for (let at = 0; at < fields.length; at += 4) {
      const start = fields[at]!;
      if (fields[at + 1]! - start !== length) continue;
      let index = 0;
      while (
        index < length &&
        lowerCase[bytes[start + index]!] === lowerCaseName.charCodeAt(index)
      ) {
        index++;
      }
      if (index === length) return bytes.toString('latin1', fields[at + 2]!, fields[at + 3]!);
    }
    return null;
  }

  *headers(): IterableIterator<[string, string]> {
    const { fields, bytes } = this;
    for (let at = 0; at < fields.length; at += 4) {
      yield [
        bytes.toString('latin1', fields[at]!, fields[at + 1]!),
        bytes.toString('latin1', fields[at + 2]!, fields[at + 3]!),
      ];
    }
  }

  /** Follows the bytes to another buffer, in which they lie `distance` earlier. */
  moveTo(bytes: Buffer, distance: number): void {
    this.bytes = bytes;
    this.targetStart -= distance;
    this.targetEnd -= distance;
    for (let at = 0; at < this.fields.length; at++) this.fields[at]! -= distance;
  }
}
