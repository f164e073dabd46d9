/** Clients refuse trailers that are larger than 8 KiB in all. */
const encodedBytesMax = 6 * 1024;

/**
 * Encodes a status message for `grpc-message`: UTF-8 with every byte that is not printable ASCII, and
 * the percent sign, as `%XX`. A message that is too long for a trailer is cut.
 */
export function encodeGrpcMessage(message: string): string {
  if (message.length <= encodedBytesMax && /^[ -$&-~]*$/.test(message)) return message;
  let text = '';
  for (const character of message) {
    const code = character.codePointAt(0)!;
    const plain = code >= 0x20 && code <= 0x7e && code !== 0x25;
    const encoded = plain ? character : percentEncode(character);
    if (text.length + encoded.length > encodedBytesMax) break;
    text += encoded;
  }
  return text;
}

function percentEncode(character: string): string {
  let text = '';
  for (const byte of Buffer.from(character, 'utf8')) {
    text += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}
