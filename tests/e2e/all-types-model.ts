import type { ServerProcess } from '@nereid/test-kit';

/** The types that the model `types` has. */
export const types: readonly string[] =
  'BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 BF16'.split(' ');
const sizeOf = (type: string): number => (type === 'BOOL' ? 1 : Number(/\d+/u.exec(type)?.[0]) / 8);

/**
 * What comes back from the model `types`, which gives two elements of each type back: the types, and all bytes.
 * @param server null for what was sent
 */
export async function passedOn(
  server: ServerProcess | null,
): Promise<{ readonly datatypes: readonly string[]; readonly data: string }> {
  const bytes = Buffer.concat(
    types.map((type) =>
      type === 'BF16' ? Buffer.from([0x80, 0x3f, 0, 0x40]) : Buffer.alloc(2 * sizeOf(type), 1),
    ),
  );
  if (server === null) return { datatypes: types, data: bytes.toString('hex') };
  const head = JSON.stringify({
    inputs: types.map((type, index) => ({
      name: `IN__${index}`,
      datatype: type,
      shape: [2],
      parameters: { binary_data_size: 2 * sizeOf(type) },
    })),
    outputs: types.map((_, index) => ({
      name: `OUT__${index}`,
      parameters: { binary_data: true },
    })),
  });
  const answer = await fetch(`${server.url}/v2/models/types/infer`, {
    method: 'POST',
    headers: { 'Inference-Header-Content-Length': String(head.length) },
    body: Buffer.concat([Buffer.from(head), bytes]),
  });
  const body = Buffer.from(await answer.arrayBuffer());
  const length = Number(answer.headers.get('inference-header-content-length'));
  const { outputs } = JSON.parse(body.subarray(0, length).toString()) as {
    outputs: { name: string; datatype: string; parameters: { binary_data_size: number } }[];
  };
  let at = length;
  const pieces = outputs.map(({ name, datatype, parameters }) => {
    at += parameters.binary_data_size;
    const data = body.subarray(at - parameters.binary_data_size, at).toString('hex');
    return { place: Number(name.split('__')[1]), datatype, data };
  });
  pieces.sort((one, other) => one.place - other.place);
  return {
    datatypes: pieces.map(({ datatype }) => datatype),
    data: pieces.map(({ data }) => data).join(''),
  };
}
