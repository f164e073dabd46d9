import type { EncodedField } from '../hpack/hpack-encoder.ts';
import type { HeaderField, HttpResponder, HttpStream } from '../http-handler.ts';
import { ErrorCode } from '../http2/frame.ts';
import type { StreamReader } from '../http2/http2-stream.ts';
import type { AnswerBlock, CallStream } from './call-stream.ts';
import { encodeGrpcWebText } from './grpc-web-text.ts';

/** Marks the last part of a body as trailers. */
const trailerFlag = 0x80;
const okFields: readonly EncodedField[] = [['grpc-status', '0']];

/** Carries the answer of one call in the body of an HTTP response, trailers included. */
export class GrpcWebStream implements CallStream {
  readonly remoteAddress: string;
  readonly owner: CallStream['owner'];
  reader: StreamReader | null = null;
  heldBytes = 0;
  left: (() => void) | null = null;
  readonly #responder: HttpResponder;
  readonly #asText: boolean;
  #headers: HeaderField[] = [];
  #stream: HttpStream | null = null;
  #over = false;

  constructor(
    remoteAddress: string,
    responder: HttpResponder,
    owner: CallStream['owner'],
    asText: boolean,
  ) {
    this.remoteAddress = remoteAddress;
    this.#responder = responder;
    this.owner = owner;
    this.#asText = asText;
  }

  get heldCostBytes(): number {
    return this.heldBytes;
  }

  header(block: AnswerBlock, end: boolean): void {
    const type = this.#asText ? 'application/grpc-web-text+proto' : 'application/grpc-web+proto';
    this.#headers = [['content-type', type]];
    const trailers: EncodedField[] = [];
    for (const field of typeof block === 'string' ? [] : block) {
      const [name, value] = field;
      if (end && (name === 'grpc-status' || name === 'grpc-message')) trailers.push(field);
      else if (!name.startsWith(':') && name !== 'content-type') this.#headers.push([name, value]);
    }
    if (end) this.write([], trailers);
  }

  write(parts: readonly Uint8Array[], end: AnswerBlock | null): boolean {
    if (this.#over) return true;
    const body = end === null ? parts : [...parts, trailerPart(end)];
    const bytes = this.#asText ? [encodeGrpcWebText(body)] : body;
    if (end !== null) this.#over = true;
    if (end !== null && this.#stream === null) {
      this.#responder.send(200, this.#headers, bytes, this.left);
      return true;
    }
    this.#stream ??= this.#responder.stream(200, this.#headers);
    for (const part of bytes) if (!this.#stream.write(part)) this.#hold(part.length);
    if (end !== null) this.#stream.end();
    return this.heldBytes === 0;
  }

  /** The whole request is there. */
  consumed(): void {}

  reset(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stream ??= this.#responder.stream(200, this.#headers);
    this.#stream.abort();
  }

  /** The client has gone. */
  gone(): void {
    this.#over = true;
    this.reader?.gone({ code: ErrorCode.cancel, by: 'peer', text: '' });
  }

  #hold(byteLength: number): void {
    const first = this.heldBytes === 0;
    this.heldBytes += byteLength;
    if (!first) return;
    void this.#stream?.drained().then(() => {
      this.heldBytes = 0;
      this.reader?.drained();
    });
  }
}

/** Trailers as a part of the body: fields as HTTP/1.1 writes them. */
function trailerPart(block: AnswerBlock): Buffer {
  const fields = typeof block === 'string' ? okFields : block;
  const text = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const part = Buffer.alloc(5 + text.length, text, 'latin1');
  part.write(text, 5, 'latin1');
  part[0] = trailerFlag;
  part.writeUInt32BE(text.length, 1);
  return part;
}
