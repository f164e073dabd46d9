import { grpcStatusByCode, httpStatusByCode, type StatusCode } from '@nereid/protocol';
import { code, markdownTable, writtenNotice } from './markdown.ts';

/** What a code says to whoever gets it. Total: a code without a meaning does not compile. */
const meanings: Readonly<Record<StatusCode, string>> = {
  UNKNOWN: 'Nothing better is known about the failure.',
  INTERNAL:
    'The server or a model failed, or the body is no JSON. What is not meant for clients is in the log only.',
  NOT_FOUND: 'There is no such model, version, endpoint or region.',
  INVALID_ARG:
    'The request cannot be right: a name, shape, data type, size or parameter. Mend it before sending it again.',
  UNAVAILABLE:
    'Not now: the model is not ready, the server is stopping, or a queue is full. Trying later may help.',
  UNSUPPORTED: 'The server, or the way that it was started, does not offer this.',
  ALREADY_EXISTS: 'Something of that name is already registered.',
  CANCELLED: 'The client withdrew the request, or went away.',
};

/** Names of google.rpc.Code by number, those that are used. */
const grpcNames: ReadonlyMap<number, string> = new Map([
  [1, 'CANCELLED'],
  [2, 'UNKNOWN'],
  [3, 'INVALID_ARGUMENT'],
  [5, 'NOT_FOUND'],
  [6, 'ALREADY_EXISTS'],
  [12, 'UNIMPLEMENTED'],
  [13, 'INTERNAL'],
  [14, 'UNAVAILABLE'],
]);

const introduction = `# Errors

Every failure has one of eight codes, Triton's, and each wire has one status for each code. Over HTTP the body is
\`{"error":"<text>"}\`; over gRPC the text is the status message. Where Triton's clients look at the text, it is Triton's.
Some statuses come from HTTP itself: 405 for a method that an endpoint does not take, and what a malformed request gets
(400, 408, 413, 431 and their like).`;

/** docs/reference/errors.md: every code with its status on each wire. */
export function errorsPage(): string {
  const rows = (Object.keys(meanings) as StatusCode[]).map((status) => {
    const grpc = grpcStatusByCode[status];
    const name = grpcNames.get(grpc);
    if (name === undefined) throw new Error(`no name for gRPC status ${grpc}`);
    return [code(status), String(httpStatusByCode[status]), `${name} (${grpc})`, meanings[status]];
  });
  const table = markdownTable(['Code', 'HTTP', 'gRPC', 'Meaning'], rows);
  return `${[writtenNotice, introduction, table].join('\n\n')}\n`;
}
