/** The text of `grpc-message`: percent-encoded UTF-8; what is malformed is left as it is. */
export function statusText(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
