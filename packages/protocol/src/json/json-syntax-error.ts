import { TritonError } from '../triton-error.ts';

/** What can be wrong with a JSON text, in the words of rapidjson 1.1, which clients of Triton see. */
export const jsonProblems = {
  empty: 'The document is empty.',
  notSingular: 'The document root must not be followed by other values.',
  value: 'Invalid value.',
  name: 'Missing a name for object member.',
  colon: 'Missing a colon after a name of object member.',
  objectComma: "Missing a comma or '}' after an object member.",
  arrayComma: "Missing a comma or ']' after an array element.",
  hexDigit: 'Incorrect hex digit after \\u escape in string.',
  surrogate: 'The surrogate pair in string is invalid.',
  /** Also said of control characters. */
  escape: 'Invalid escape character in string.',
  quotationMark: 'Missing a closing quotation mark in string.',
  numberTooBig: 'Number too big to be stored in double.',
  fraction: 'Miss fraction part in number.',
  exponent: 'Miss exponent in number.',
} as const;

/** @param offset bytes before the fault. */
export function jsonSyntaxError(problem: keyof typeof jsonProblems, offset: number): TritonError {
  return new TritonError(
    'INTERNAL',
    `failed to parse the request JSON buffer: ${jsonProblems[problem]} at ${offset}`,
  );
}
