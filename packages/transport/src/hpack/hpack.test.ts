import { expect, test } from 'vitest';
import type { HeaderList } from './header-list.ts';
import { HpackDecoder, HpackError } from './hpack-decoder.ts';
import { encodeHeaderBlock } from './hpack-encoder.ts';
import { staticNames, staticTableLength, staticValues } from './static-table.ts';

function decode(decoder: HpackDecoder, hex: string): HeaderList {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  return decoder.decode(bytes, 0, bytes.length);
}

const fields = ({ names, values }: HeaderList): string =>
  names.map((name, index) => `${name}: ${values[index]}`).join('\n');

/** Three requests of RFC 7541 appendix C.3 (plain) and C.4 (Huffman). */
const requests = [
  ':method: GET\n:scheme: http\n:path: /\n:authority: www.example.com',
  ':method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\ncache-control: no-cache',
  ':method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value',
];

test.each([
  [
    'plain strings',
    '828684410f7777772e6578616d706c652e636f6d',
    '828684be58086e6f2d6361636865',
    '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
  ],
  [
    'Huffman code',
    '828684418cf1e3c2e5f23a6ba0ab90f4ff',
    '828684be5886a8eb10649cbf',
    '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
  ],
])('decodes the requests of RFC 7541 appendix C with %s', (_what, ...blocks) => {
  const decoder = new HpackDecoder(4096, 16_384);
  expect(blocks.map((block) => fields(decode(decoder, block)))).toEqual(requests);
});

test('drops the oldest entries as RFC 7541 appendix C.6 does', () => {
  const decoder = new HpackDecoder(256, 16_384);
  decode(
    decoder,
    '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
  );
  expect(fields(decode(decoder, '4883640effc1c0bf'))).toBe(
    ':status: 307\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com',
  );
  const third = decode(
    decoder,
    '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
  );
  expect(fields(third)).toBe(
    ':status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\nlocation: https://www.example.com\ncontent-encoding: gzip\nset-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
  );
  // Of four entries three are left.
  expect(() => decode(decoder, 'c1')).toThrow(HpackError);
});

test('a repeated block is the same object, until the table changes', () => {
  const decoder = new HpackDecoder(4096, 16_384);
  decode(decoder, '40 0161 0162');
  const first = decode(decoder, '82 be');
  expect(decode(decoder, '82 be')).toBe(first);
  expect(fields(first)).toBe(':method: GET\na: b');
  decode(decoder, '40 0163 0164');
  expect(fields(decode(decoder, '82 be'))).toBe(':method: GET\nc: d');
  expect(fields(decode(decoder, '82 bf'))).toBe(':method: GET\na: b');
});

test('a repeated block that adds to the table adds each time', () => {
  const decoder = new HpackDecoder(4096, 16_384);
  decode(decoder, '40 0161 0162');
  decode(decoder, '40 0161 0162');
  expect(fields(decode(decoder, 'be bf'))).toBe('a: b\na: b');
});

test('takes never-indexed fields and fields of no name index', () => {
  const decoder = new HpackDecoder(4096, 16_384);
  expect(fields(decode(decoder, '10 0161 0162 00 0163 0164 0f 00 0165'))).toBe(
    'a: b\nc: d\naccept-charset: e',
  );
  expect(() => decode(decoder, 'be')).toThrow(HpackError);
});

test('a size update empties the table, and a larger table keeps more', () => {
  const decoder = new HpackDecoder(4096, 16_384);
  decode(decoder, '40 0161 0162');
  expect(fields(decode(decoder, '20 3fe11f 82'))).toBe(':method: GET');
  expect(() => decode(decoder, 'be')).toThrow('beyond the table');
});

test.each([
  ['index 0', '80', 'index 0'],
  ['an index beyond both tables', 'be', 'beyond the table'],
  ['a name index beyond both tables', '7f 00 0161', 'beyond the table'],
  ['a size update after a field', '82 20', 'after the first field'],
  ['three size updates', '20 20 20', 'more than two'],
  ['a table larger than the limit', '3f e2 1f', 'larger than the limit'],
  ['a number without an end', 'ff', 'ends early'],
  ['a number of five more bytes', 'ff 80 80 80 80 01', 'too large'],
  ['a number of many zeros', 'ff 80 80 80 80 80 80 80 00', 'too large'],
  ['a string without an end', '40 05 61', 'longer than its block'],
  ['a string without a start', '40', 'ends early'],
  ['a value without a start', '40 01 61', 'ends early'],
  ['broken Huffman code', '40 81 ff 00', 'broken Huffman code'],
])('refuses %s', (_what, hex, message) => {
  expect(() => decode(new HpackDecoder(4096, 16_384), hex)).toThrow(message);
});

test('a header list over the limit holds nothing, and the table stays right', () => {
  const decoder = new HpackDecoder(4096, 100);
  const block = encodeHeaderBlock([['a', 'x'.repeat(200)]]);
  expect(decoder.decode(block, 0, block.length)).toMatchObject({ names: [], tooLarge: true });
  const list = decode(decoder, `${'82'.repeat(10)} 40 0161 0162`);
  expect(list).toEqual({ names: [], values: [], tooLarge: true });
  expect(fields(decode(decoder, 'be'))).toBe('a: b');
});

test('many references to a large entry hold no more than the limit', () => {
  const decoder = new HpackDecoder(4096, 16_384);
  const value = Buffer.alloc(4000, 0x61).toString('hex');
  decode(decoder, `40 0161 7fa11e ${value}`);
  const list = decode(decoder, 'be'.repeat(16_000));
  expect(list).toEqual({ names: [], values: [], tooLarge: true });
});

test('what is encoded decodes to the same, whole static entries as one byte', () => {
  const sent = [
    [':status', '200'],
    [':path', 'http'],
    ['content-type', 'application/grpc'],
    ['grpc-message', '%E2%82%AC and more'],
    ['empty', ''],
    ['long', 'x~'.repeat(300)],
  ] as const;
  const block = encodeHeaderBlock(sent);
  expect(block[0]).toBe(0x88);
  const list = new HpackDecoder(4096, 16_384).decode(block, 0, block.length);
  expect(fields(list)).toBe(sent.map(([name, value]) => `${name}: ${value}`).join('\n'));
});

test('a sensitive field is never indexed', () => {
  expect(encodeHeaderBlock([[':status', '200', true]])[0]).toBe(0x18);
});

test('the static table is that of RFC 7541 appendix A', () => {
  expect(staticTableLength).toBe(61);
  expect([staticNames[16], staticValues[16]]).toEqual(['accept-encoding', 'gzip, deflate']);
  expect([staticNames[61], staticValues[61]]).toEqual(['www-authenticate', '']);
});
