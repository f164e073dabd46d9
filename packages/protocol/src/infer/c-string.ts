/** The text up to the first NUL: names and ids pass through Triton's C API, which ends them there. */
export function cString(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
