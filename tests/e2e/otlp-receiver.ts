import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as it was exported: numbers and names of opentelemetry/proto/trace/v1/trace.proto. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** '' for none. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly events: readonly { readonly name: string; readonly ns: bigint }[];
}

/** What one export had. */
interface ReceivedExport {
  readonly contentType: string;
  readonly resource: Readonly<Record<string, string | number>>;
  readonly scope: string;
  readonly spans: readonly ReceivedSpan[];
}

/** Takes OTLP over HTTP as a collector does: POST /v1/traces with protobuf. */
export class OtlpReceiver {
  readonly exports: ReceivedExport[] = [];
  readonly #server: Server;
  /** Answers this status and keeps nothing, unless it is 200. */
  status = 200;

  private constructor() {
    this.#server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        if (this.status === 200 && request.url === '/v1/traces') {
          const contentType = request.headers['content-type'] ?? '';
          for (const received of exportsOf(Buffer.concat(pieces))) {
            this.exports.push({ contentType, ...received });
          }
        }
        response.writeHead(this.status, { 'content-type': 'application/x-protobuf' }).end();
      });
    });
  }

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get spans(): readonly ReceivedSpan[] {
    return this.exports.flatMap(({ spans }) => spans);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

type Fields = ReadonlyMap<number, readonly (Buffer | bigint)[]>;

/** The fields of any protobuf message: bytes for what has a length, numbers for the rest. */
function fieldsOf(message: Buffer): Fields {
  const fields = new Map<number, (Buffer | bigint)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = Number(varint());
    const wireType = key & 7;
    let value: Buffer | bigint;
    if (wireType === 0) value = varint();
    else if (wireType === 1) {
      value = message.readBigUInt64LE(at);
      at += 8;
    } else if (wireType === 5) {
      value = BigInt(message.readUInt32LE(at));
      at += 4;
    } else {
      const length = Number(varint());
      value = message.subarray(at, at + length);
      at += length;
    }
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value]);
  }
  return fields;
}

function bytes(fields: Fields, number: number): Buffer {
  return (fields.get(number)?.[0] as Buffer | undefined) ?? Buffer.alloc(0);
}

function integer(fields: Fields, number: number): bigint {
  return (fields.get(number)?.[0] as bigint | undefined) ?? 0n;
}

function messages(fields: Fields, number: number): Fields[] {
  return (fields.get(number) ?? []).map((value) => fieldsOf(value as Buffer));
}

function exportsOf(body: Buffer): Omit<ReceivedExport, 'contentType'>[] {
  return messages(fieldsOf(body), 1).flatMap((resourceSpans) =>
    messages(resourceSpans, 2).map((scopeSpans) => ({
      resource: attributesOf(fieldsOf(bytes(resourceSpans, 1)), 1),
      scope: bytes(fieldsOf(bytes(scopeSpans, 1)), 1).toString(),
      spans: messages(scopeSpans, 2).map(spanOf),
    })),
  );
}

function spanOf(span: Fields): ReceivedSpan {
  return {
    traceId: bytes(span, 1).toString('hex'),
    spanId: bytes(span, 2).toString('hex'),
    traceState: bytes(span, 3).toString(),
    parentSpanId: bytes(span, 4).toString('hex'),
    name: bytes(span, 5).toString(),
    kind: Number(integer(span, 6)),
    startNs: integer(span, 7),
    endNs: integer(span, 8),
    attributes: attributesOf(span, 9),
    events: messages(span, 11).map((event) => ({
      ns: integer(event, 1),
      name: bytes(event, 2).toString(),
    })),
  };
}

function attributesOf(fields: Fields, number: number): Record<string, string | number> {
  return Object.fromEntries(
    messages(fields, number).map((attribute) => {
      const value = fieldsOf(bytes(attribute, 2));
      const text = value.get(1)?.[0] as Buffer | undefined;
      return [bytes(attribute, 1).toString(), text?.toString() ?? Number(integer(value, 3))];
    }),
  );
}
