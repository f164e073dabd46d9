/** Bytes that become characters at once: arguments of a call are limited. */
const blockBytes = 0x6000;

/** RFC 4648 section 4, where there is no Buffer. */
export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += blockBytes) {
    binary += String.fromCharCode(...bytes.subarray(at, at + blockBytes));
  }
  return btoa(binary);
}
