import { NativeBlock, readCString } from './memory.ts';
import { callForWord, check, type OrtApi } from './ort-api.ts';
import { takeString } from './value-info.ts';

/** What a model file says of itself. Texts are empty where the file has none. */
export interface OnnxModelMetadata {
  readonly producer: string;
  readonly graph: string;
  readonly domain: string;
  readonly description: string;
  readonly graphDescription: string;
  readonly version: bigint;
  /** The `metadata_props` of the model; without a prototype, since the keys are anyone's. */
  readonly custom: Readonly<Record<string, string>>;
}

function readCustom(api: OrtApi, allocator: number, metadata: number): Record<string, string> {
  const { functions } = api;
  const custom: Record<string, string> = Object.create(null) as Record<string, string>;
  const block = new NativeBlock(16);
  block.write(0, 0);
  block.write(1, 0);
  check(
    api,
    functions.ModelMetadataGetCustomMetadataMapKeys(
      metadata,
      allocator,
      block.address,
      block.at(1),
    ),
  );
  const keys = block.read(0);
  const count = block.read(1);
  if (keys === 0) return custom;
  const addresses = new NativeBlock(Math.max(8, count * 8));
  addresses.copyFrom(keys, count);
  for (let index = 0; index < count; index += 1) {
    const address = addresses.read(index);
    custom[readCString(address)] = takeString(
      api,
      allocator,
      functions.ModelMetadataLookupCustomMetadataMap,
      metadata,
      allocator,
      address,
    );
    check(api, functions.AllocatorFree(allocator, address));
  }
  check(api, functions.AllocatorFree(allocator, keys));
  return custom;
}

/** Reads the metadata of an `OrtSession *`. */
export function readModelMetadata(
  api: OrtApi,
  allocator: number,
  session: number,
): OnnxModelMetadata {
  const { functions } = api;
  const metadata = callForWord(api, functions.SessionGetModelMetadata, session);
  const text = (
    name: 'ProducerName' | 'GraphName' | 'Domain' | 'Description' | 'GraphDescription',
  ): string =>
    takeString(api, allocator, functions[`ModelMetadataGet${name}`], metadata, allocator);
  try {
    const version = new NativeBlock(8);
    check(api, functions.ModelMetadataGetVersion(metadata, version.address));
    return {
      producer: text('ProducerName'),
      graph: text('GraphName'),
      domain: text('Domain'),
      description: text('Description'),
      graphDescription: text('GraphDescription'),
      version: version.readBigInt64(0),
      custom: readCustom(api, allocator, metadata),
    };
  } finally {
    functions.ReleaseModelMetadata(metadata);
  }
}
