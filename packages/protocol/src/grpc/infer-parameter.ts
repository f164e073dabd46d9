import { unreadable, type WireReader } from './wire-reader.ts';

/** `InferParameter` as it was sent; `none` where no choice was made. */
export type InferParameter =
  | { readonly kind: 'none' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int64'; readonly value: number | bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'uint64'; readonly value: number | bigint };

const none: InferParameter = { kind: 'none' };

/** Reads one entry of a `map<string, InferParameter>` into `parameters`; the last one of a key counts. */
export function readParameterEntry(
  reader: WireReader,
  parameters: Map<string, InferParameter>,
): void {
  const outerEnd = reader.end;
  const end = reader.lengthEnd();
  reader.end = end;
  let key = '';
  let value = none;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === 0x0a) key = reader.string();
    else if (tag === 0x12) value = readParameter(reader, value);
    else reader.skip(tag);
  }
  if (reader.at !== end) throw unreadable();
  reader.end = outerEnd;
  parameters.set(key, value);
}

/** @param value What an earlier part of the same message said. */
function readParameter(reader: WireReader, value: InferParameter): InferParameter {
  const outerEnd = reader.end;
  const end = reader.lengthEnd();
  reader.end = end;
  let choice = value;
  while (reader.at < end) {
    const tag = reader.tag();
    switch (tag) {
      case 0x08:
        choice = { kind: 'bool', value: reader.bool() };
        break;
      case 0x10:
        choice = { kind: 'int64', value: reader.int64() };
        break;
      case 0x1a:
        choice = { kind: 'string', value: reader.string() };
        break;
      case 0x21:
        choice = { kind: 'double', value: reader.double() };
        break;
      case 0x28:
        choice = { kind: 'uint64', value: reader.uint64() };
        break;
      default:
        reader.skip(tag);
    }
  }
  reader.end = outerEnd;
  return choice;
}
