/** `[request id: X] `, which begins most of Triton's texts about a request. */
export function requestIdPrefix(id: string): string {
  return `[request id: ${id === '' ? '<id_unknown>' : id}] `;
}
