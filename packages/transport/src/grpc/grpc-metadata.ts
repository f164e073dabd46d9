import type { HeaderList } from '../hpack/header-list.ts';
import type { EncodedField } from '../hpack/hpack-encoder.ts';
import type { GrpcMetadataEntry } from './grpc-handler.ts';

/** Headers of the protocols, which are no metadata. */
const ownFields = new Set([
  'te',
  'host',
  'content-type',
  'content-length',
  'grpc-timeout',
  'grpc-encoding',
  'grpc-accept-encoding',
  'grpc-message-type',
  'grpc-status',
  'grpc-message',
]);

/** Gives the metadata among the fields of a header, `-bin` decoded. */
export function* readMetadata({ names, values }: HeaderList): Generator<GrpcMetadataEntry> {
  for (let index = 0; index < names.length; index++) {
    const name = names[index]!;
    if (name.charCodeAt(0) === 0x3a || ownFields.has(name)) continue;
    if (!name.endsWith('-bin')) yield [name, values[index]!];
    else for (const text of values[index]!.split(',')) yield [name, Buffer.from(text, 'base64')];
  }
}

/**
 * Makes fields of metadata.
 *
 * @throws Error when a name or value is none that may be sent.
 */
export function metadataFields(metadata: readonly GrpcMetadataEntry[]): EncodedField[] {
  return metadata.map(([name, value]) => {
    if (!isName(name) || ownFields.has(name)) throw new Error(`not a metadata name: ${name}`);
    const binary = name.endsWith('-bin');
    if (binary !== (typeof value !== 'string')) {
      throw new Error(`metadata ${name}: bytes go with names that end in -bin, and only with them`);
    }
    if (typeof value !== 'string') {
      const { buffer, byteOffset, byteLength } = value;
      const text = Buffer.from(buffer, byteOffset, byteLength).toString('base64');
      return [name, text.replace(/=+$/, '')];
    }
    if (!/^[ -~]*$/.test(value)) throw new Error(`metadata ${name}: only printable ASCII`);
    return [name, value.trim()];
  });
}

/** Lower-case letters, digits, `_`, `-` and `.`. */
function isName(name: string): boolean {
  return /^[0-9a-z_.-]+$/.test(name);
}
