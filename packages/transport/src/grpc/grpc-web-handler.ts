import type { HeaderList } from '../hpack/header-list.ts';
import {
  type BodyPlan,
  type HttpHandler,
  type HttpRequest,
  type HttpResponder,
  type RefusalText,
  wordedRefusal,
} from '../http-handler.ts';
import { readGrpcHead } from './grpc-head.ts';
import type { GrpcService } from './grpc-service.ts';
import { GrpcWebStream } from './grpc-web-stream.ts';
import { decodeGrpcWebText } from './grpc-web-text.ts';

const contentType = 'application/grpc-web';
const textContentType = 'application/grpc-web-text';

/** Text is a third longer than what it stands for. */
const textBytesPerByte = 4 / 3;
const prefixBytes = 5;

/** Requests have come as a whole: nothing of them can be late. */
const neverLate = { nowMs: 0, isOver: (): boolean => false };

/**
 * Answers gRPC-Web (gRPC's doc/PROTOCOL-WEB.md), which browsers can speak over any HTTP, and hands all
 * other requests on.
 */
export class GrpcWebHandler implements HttpHandler {
  readonly #service: GrpcService;
  readonly #next: HttpHandler;
  readonly #bodyBytesMax: number;

  constructor(service: GrpcService, next: HttpHandler, messageBytesMax: number) {
    this.#service = service;
    this.#next = next;
    this.#bodyBytesMax = Math.ceil((messageBytesMax + prefixBytes) * textBytesPerByte) + 4;
  }

  head(request: HttpRequest): BodyPlan | null {
    if (!isGrpcWeb(request)) return this.#next.head?.(request) ?? null;
    if (request.method === 'POST') return { bodyBytesMax: this.#bodyBytesMax };
    return { reject: { status: 405, headers: [['allow', 'POST']], body: null } };
  }

  refusal(request: HttpRequest | null, status: number, text: string): RefusalText {
    return wordedRefusal(this.#next, request, status, text);
  }

  handle(request: HttpRequest, responder: HttpResponder): void {
    if (!isGrpcWeb(request)) {
      this.#next.handle(request, responder);
      return;
    }
    const isText = startsWith(request.header('content-type'), textContentType);
    const body = isText ? decodeGrpcWebText(request.body) : asBuffer(request.body);
    if (body === null) {
      responder.send(400, [['content-type', 'text/plain']], 'malformed base64');
      return;
    }
    const asText = isText || startsWith(request.header('accept'), textContentType);
    const stream = new GrpcWebStream(request.remoteAddress, responder, neverLate, asText);
    const head = readGrpcHead({ path: request.path, fields: fieldsOf(request) });
    request.onAborted(() => stream.gone());
    const reader = this.#service.call(stream, head);
    stream.reader = reader;
    if (body.length > 0) reader.data(body, 0, body.length);
    reader.end();
  }
}

function isGrpcWeb(request: HttpRequest): boolean {
  return startsWith(request.header('content-type'), contentType);
}

function startsWith(value: string | null, start: string): boolean {
  return value?.startsWith(start) ?? false;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function fieldsOf(request: HttpRequest): HeaderList {
  const names: string[] = [];
  const values: string[] = [];
  for (const [name, value] of request.headers()) {
    names.push(name.toLowerCase());
    values.push(value);
  }
  return { names, values, tooLarge: false };
}
