/** Longest event that is waited for, in characters. */
const eventCharactersMax = 64 * 1024 * 1024;

/**
 * The data of each server-sent event of a stream, several lines of one joined by line feeds. (WHATWG
 * HTML, section 9.2.6.) @throws RangeError for an event that does not end.
 */
export async function* eventData(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of body) {
    text += decoder.decode(piece, { stream: true });
    const events = text.split(/\r\n\r\n|\n\n|\r\r/u);
    text = events.pop() ?? '';
    if (text.length > eventCharactersMax)
      throw new RangeError('an event of the stream does not end');
    for (const event of events) {
      const data = dataOf(event);
      if (data !== null) yield data;
    }
  }
  const last = dataOf(text + decoder.decode());
  if (last !== null) yield last;
}

function dataOf(event: string): string | null {
  const lines = event
    .split(/\r\n|\n|\r/u)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(line.startsWith('data: ') ? 6 : 5));
  return lines.length === 0 ? null : lines.join('\n');
}
