function table(accepts: (code: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (accepts(code) ? 1 : 0));
}

const tokenPunctuation = "!#$%&'*+-.^_`|~";

/** RFC 9110 section 5.6.2: what methods and header names consist of. */
export const tokenBytes: Uint8Array = table(
  (code) =>
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a) ||
    (code < 0x80 && tokenPunctuation.includes(String.fromCharCode(code))),
);

/** RFC 9110 section 5.5: what header values consist of, obs-text included. */
export const fieldValueBytes: Uint8Array = table(
  (code) => code === 0x09 || (code >= 0x20 && code !== 0x7f),
);

/** Printable ASCII: what llhttp's strict mode takes in a request target. */
export const targetBytes: Uint8Array = table((code) => code > 0x20 && code < 0x7f);

/** ASCII upper case to lower case, every other byte to itself. */
export const lowerCase: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) =>
  code >= 0x41 && code <= 0x5a ? code + 0x20 : code,
);

/** Value of a hexadecimal digit, 255 for every other byte. */
export const hexDigit: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? 255 : value;
});

/** Whether `bytes[start, end)` is `expected`, which is in lower case, in any case. */
export function equalsLowerCase(
  bytes: Uint8Array,
  start: number,
  end: number,
  expected: string,
): boolean {
  if (end - start !== expected.length) return false;
  for (let index = 0; index < expected.length; index++) {
    if (lowerCase[bytes[start + index]!] !== expected.charCodeAt(index)) return false;
  }
  return true;
}
