import { TritonError } from '@nereid/protocol';

const headerName = 'Inference-Header-Content-Length';
const int32Max = 2_147_483_647;
const int32Min = -2_147_483_648;

/**
 * How many bytes at the front of an inference body are JSON.
 *
 * Read as Triton reads it, with C++'s `stoi`: leading blanks and a sign are taken, whatever follows
 * the digits is ignored. An empty value counts as 0, as the recorded server does it.
 *
 * @param bodyLength Length in bytes after decompression.
 * @throws TritonError INVALID_ARG with Triton's texts.
 */
export function inferenceHeaderLength(value: string, bodyLength: number): number {
  const length = parseHeaderLength(value);
  if (length < 0 || length > bodyLength) {
    throw new TritonError(
      'INVALID_ARG',
      `inference header size should be in range (0, ${bodyLength}), got: ${value}`,
    );
  }
  return length;
}

/**
 * The header's number alone, for placing the body in memory before it has arrived.
 * @returns null where the value is not usable; `inferenceHeaderLength` then tells the client why.
 */
export function plannedHeaderLength(value: string): number | null {
  try {
    const length = parseHeaderLength(value);
    return length < 0 ? null : length;
  } catch {
    return null;
  }
}

function parseHeaderLength(value: string): number {
  const plain = parsePlainDigits(value);
  if (plain >= 0) return plain;
  const digits = /^[ \t\n\v\f\r]*([+-]?[0-9]+)/.exec(value)?.[1];
  if (digits === undefined) {
    throw new TritonError('INVALID_ARG', `Unable to parse ${headerName}, got: ${value}`);
  }
  const length = Number(digits) || 0; // -0 is 0
  if (length < int32Min || length > int32Max) {
    throw new TritonError(
      'INVALID_ARG',
      `Unable to parse ${headerName}, value is out of range [ ${int32Min}, ${int32Max} ], got: ${value}`,
    );
  }
  return length;
}

/** What every client sends, without a regular expression: this is on the path of every request. @returns -1 for anything else. */
function parsePlainDigits(value: string): number {
  if (value.length > 9) return -1;
  let number = 0;
  for (let index = 0; index < value.length; index++) {
    const digit = value.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}
