import type { NumberedRequest } from '../worker/open-request.ts';
import { formNumberBytes } from './form-slots.ts';
import { longNumberBytes, writeLongNumber } from './long-number.ts';
import { placeTensor } from './payload-places.ts';
import type { RequestForm } from './request-forms.ts';
import { headBytes, writeNumbersHead } from './worker-frame.ts';

/** Length of a request's id. */
const idLengthBytes = 4;
const requestBytes = formNumberBytes + longNumberBytes + idLengthBytes;

/** The frame that has a batch executed whose forms the worker knows. See python/nereid_worker/forms.py. */
export function encodeExecuteNumbers(
  batch: number,
  requests: readonly NumberedRequest[],
  forms: readonly RequestForm[],
): Buffer {
  const numbersBytes = executeNumbersBytes(requests);
  let payloadBytes = 0;
  for (const form of forms) payloadBytes += form.payloadBytes;
  const frame = Buffer.allocUnsafe(headBytes + numbersBytes + payloadBytes);
  writeNumbersHead(frame, numbersBytes, payloadBytes);
  writeNumbers(frame, batch, requests, forms);
  writePayload(frame, headBytes + numbersBytes, requests);
  return frame;
}

function executeNumbersBytes(requests: readonly NumberedRequest[]): number {
  let byteCount = longNumberBytes + requests.length * requestBytes;
  for (const { request } of requests) {
    if (request.id !== '') byteCount += Buffer.byteLength(request.id);
  }
  return byteCount;
}

function writeNumbers(
  target: Buffer,
  batch: number,
  requests: readonly NumberedRequest[],
  forms: readonly RequestForm[],
): void {
  writeLongNumber(target, batch, headBytes);
  let at = headBytes + longNumberBytes;
  for (let index = 0; index < requests.length; index++) {
    const { number, request } = requests[index] as NumberedRequest;
    target.writeUInt32LE((forms[index] as RequestForm).number, at);
    writeLongNumber(target, number, at + formNumberBytes);
    const idBytes = request.id === '' ? 0 : target.write(request.id, at + requestBytes);
    target.writeUInt32LE(idBytes, at + formNumberBytes + longNumberBytes);
    at += requestBytes + idBytes;
  }
}

/** Writes the tensors of the requests one after the other, each in its place of a payload. */
function writePayload(target: Buffer, start: number, requests: readonly NumberedRequest[]): void {
  let at = start;
  for (const { request } of requests) {
    for (const { data } of request.inputs) at = placeTensor(target, data, at);
  }
}
