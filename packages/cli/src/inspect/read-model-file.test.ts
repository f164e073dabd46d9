import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { deflateRawSync, gunzipSync } from 'node:zlib';
import { identityModel } from '@nereid/test-kit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandError } from '../command/exit-status.ts';
import { configurationOf } from './configuration-of.ts';
import { readModelFile } from './read-model-file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nereid-inspect-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** A field with a length, or a varint. */
function field(number: number, content: string | Uint8Array | number): Buffer {
  if (typeof content === 'number') {
    return Buffer.concat([varint(number << 3), varint(content)]);
  }
  const bytes = Buffer.from(content as string);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

function zip(entries: Readonly<Record<string, string | Buffer>>, packed = true): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(entries)) {
    const plain = Buffer.from(content as string);
    const data = packed ? deflateRawSync(plain) : plain;
    const head = Buffer.alloc(26);
    head.writeUInt16LE(20, 0);
    head.writeUInt16LE(packed ? 8 : 0, 4);
    head.writeUInt32LE(data.length, 14);
    head.writeUInt32LE(plain.length, 18);
    head.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(at, 10);
    parts.push(Buffer.from('PK\x03\x04'), head, Buffer.from(name), data);
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), head, place, Buffer.from(name));
    at += 4 + head.length + name.length + data.length;
  }
  const table = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt32LE(table.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, table, Buffer.from('PK\x05\x06'), end]);
}

const pickle = Buffer.from('\x80\x02c__torch__.nets.detector\nDetector\nq\x00)\x81.', 'latin1');
const code = `class Helper(Module):
  def forward(self: __torch__.nets.detector.Helper,
    z: Tensor) -> Tensor:
    return z
class Detector(Module):
  __parameters__ = []
  def forward(self: __torch__.nets.detector.Detector,
    image: Tensor,
    labels: List[str]) -> Tuple[Tensor, Tensor]:
    return (image, image)
  def other(self: __torch__.nets.detector.Detector) -> Tensor:
    return 1
`;

const openVino = `<?xml version="1.0"?>
<net name="m" version="11"><layers>
<layer id="0" name="data" type="Parameter" version="opset1"><data shape="?,3,224,224" element_type="f32"/>
<output><port id="0" precision="FP32" names="pixels,data"><dim>-1</dim><dim>3</dim><dim>224</dim><dim>224</dim></port></output></layer>
<layer id="1" name="softmax" type="SoftMax" version="opset1"><input><port id="0" precision="FP32"><dim>-1</dim></port></input>
<output><port id="1" precision="FP32" names="scores"><dim>-1</dim><dim>10</dim></port></output></layer>
<layer id="2" name="scores/sink_port_0" type="Result" version="opset1"><input><port id="0" precision="FP32"><dim>-1</dim><dim>10</dim></port></input></layer>
</layers><edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/><edge from-layer="1" from-port="1" to-layer="2" to-port="0"/></edges></net>
`;

function savedModel(): Buffer {
  const shape = (...sizes: number[]) =>
    field(3, Buffer.concat(sizes.map((size) => field(2, field(1, size)))));
  const info = (type: number, ...sizes: number[]) =>
    Buffer.concat([field(1, 'node:0'), field(2, type), shape(...sizes)]);
  const entry = (number: number, key: string, value: Buffer) =>
    field(number, Buffer.concat([field(1, key), field(2, value)]));
  const signature = Buffer.concat([
    entry(1, 'words', info(7, -1)),
    entry(1, 'image', info(1, -1, 32, 32, 3)),
    entry(2, 'category', info(1, -1, 5)),
  ]);
  const graph = Buffer.concat([
    entry(5, '__saved_model_init_op', Buffer.alloc(0)),
    entry(5, 'serving_default', signature),
  ]);
  return Buffer.concat([field(1, 1), field(2, graph)]);
}

describe('readModelFile', () => {
  it('reads ONNX', () => {
    const path = file('a.onnx', identityModel('FLOAT', ['batch', 3, null]));
    expect(configurationOf('a', readModelFile(path), null)).toBe(`name: "a"
platform: "onnxruntime_onnx"
backend: "onnxruntime"
max_batch_size: 4
input [
  {
    name: "INPUT"
    data_type: TYPE_FP32
    dims: [ 3, -1 ]
  }
]
output [
  {
    name: "OUTPUT"
    data_type: TYPE_FP32
    dims: [ 3, -1 ]
  }
]
dynamic_batching { }
`);
  });

  it('knows when a model cannot batch', () => {
    const file_ = readModelFile(file('b.onnx', identityModel('INT64', [2, 3])));
    expect(configurationOf('b', file_, null)).toContain('dims: [ 2, 3 ]');
    expect(configurationOf('b', file_, null)).not.toContain('max_batch_size');
    expect(() => configurationOf('b', file_, 8)).toThrow('does not vary');
  });

  it('finds the weights beside a model, and does not follow them out of its folder', () => {
    const only = (location: string): Buffer => {
      const tensor = Buffer.concat([
        field(2, 1),
        field(8, 'w'),
        field(13, Buffer.concat([field(1, 'location'), field(2, location)])),
      ]);
      return Buffer.concat([field(1, 8), field(7, field(5, tensor))]);
    };
    expect(readModelFile(file('c.onnx', only('c.onnx_data'))).companions).toEqual([
      { from: join(folder, 'c.onnx_data'), to: 'c.onnx_data' },
    ]);
    expect(() => readModelFile(file('d.onnx', only('../../etc/passwd')))).toThrow(
      'outside of its folder',
    );
  });

  it('leaves out weights that are listed among the inputs', () => {
    const info = (number: number, name: string): Buffer =>
      field(number, Buffer.concat([field(1, name), field(2, field(1, field(1, 1)))]));
    const graph = [info(11, 'X'), info(11, 'W'), field(5, field(8, 'W')), info(12, 'Y')];
    const model = readModelFile(file('e.onnx', field(7, Buffer.concat(graph))));
    expect(model.inputs.map(({ name }) => name)).toEqual(['X']);
  });

  it('reads a SavedModel', () => {
    file('saved/saved_model.pb', savedModel());
    const model = readModelFile(join(folder, 'saved'));
    expect(model.inputs).toEqual([
      { name: 'image', dataType: 'TYPE_FP32', shape: [-1, 32, 32, 3] },
      { name: 'words', dataType: 'TYPE_STRING', shape: [-1] },
    ]);
    expect(model.outputs).toEqual([{ name: 'category', dataType: 'TYPE_FP32', shape: [-1, 5] }]);
    expect(configurationOf('s', model, 16)).toContain('max_batch_size: 16');
    expect(configurationOf('s', model, 16)).toContain('dims: [ 1 ]\n    reshape { }');
  });

  it('reads what TensorFlow writes: a signature of another name, scalars, any number of dimensions', () => {
    const saved = (name: string) => {
      const packed = readFileSync(new URL(`testing/${name}.saved_model.pb.gz`, import.meta.url));
      file(`${name}/saved_model.pb`, gunzipSync(packed));
      return configurationOf(name, readModelFile(join(folder, name)), null).replaceAll(
        /\s+/gu,
        ' ',
      );
    };
    expect(saved('named')).toBe(
      'name: "named" platform: "tensorflow_savedmodel" backend: "tensorflow" max_batch_size: 4 ' +
        'input [ { name: "left" data_type: TYPE_FP32 dims: [ 4 ] }, { name: "right" data_type: TYPE_INT64 dims: [ 4 ] } ] ' +
        'output [ { name: "right" data_type: TYPE_INT64 dims: [ 4 ] }, { name: "sum" data_type: TYPE_FP32 dims: [ 4 ] } ] ' +
        'dynamic_batching { } parameters { key: "TF_SIGNATURE_DEF" value { string_value: "classify" } } ',
    );
    expect(saved('odd')).toBe(
      "# The file does not say how many dimensions these have, correct dims: 'any', 'output_0', 'output_1'. " +
        'name: "odd" platform: "tensorflow_savedmodel" backend: "tensorflow" ' +
        'input [ { name: "any" data_type: TYPE_FP16 dims: [ -1 ] }, { name: "flag" data_type: TYPE_BOOL dims: [ 1 ] } ] ' +
        'output [ { name: "output_0" data_type: TYPE_FP16 dims: [ -1 ] }, { name: "output_1" data_type: TYPE_BF16 dims: [ -1 ] } ] ',
    );
  });

  it.each([true, false])('reads TorchScript, packed: %s', (packed) => {
    const bytes = zip(
      { 'net/data.pkl': pickle, 'net/code/__torch__/nets/detector.py': code },
      packed,
    );
    const model = readModelFile(file('net.pt', bytes));
    expect(model.inputs).toEqual([
      { name: 'image', dataType: null, shape: null },
      { name: 'labels', dataType: 'TYPE_STRING', shape: null },
    ]);
    expect(model.outputs.map(({ name }) => name)).toEqual(['OUTPUT__0', 'OUTPUT__1']);
    expect(configurationOf('t', model, null)).toMatch(/^# The file says neither types nor shapes/u);
  });

  it('reads OpenVINO', () => {
    const path = file('net.xml', openVino);
    expect(readModelFile(path).companions).toEqual([]);
    file('net.bin', 'weights');
    const model = readModelFile(path);
    expect(model.inputs).toEqual([
      { name: 'pixels', dataType: 'TYPE_FP32', shape: [-1, 3, 224, 224] },
    ]);
    expect(model.outputs).toEqual([{ name: 'scores', dataType: 'TYPE_FP32', shape: [-1, 10] }]);
    expect(model.companions).toEqual([{ from: join(folder, 'net.bin'), to: 'model.bin' }]);
  });

  it.each([
    ['x.onnx', 'no model', 'is no ONNX model'],
    ['y.onnx', '', 'it has no graph'],
    ['x.pt', 'no archive', 'it is no ZIP archive'],
    ['y.pt', zip({ 'x/weights': 'a' }), 'weights alone are no model'],
    [
      'z.pt',
      zip({ 'x/data.pkl': '\x80\x02cos\nsystem\n' }),
      'weights or a pickled module, and no code',
    ],
    ['x.xml', '<net></net>', 'it has no parameters'],
    ['y.xml', '<!DOCTYPE x [<!ENTITY a "b">]>', 'it declares entities'],
    ['x.pt2', '', 'with a config.pbtxt of your own (platform: "torch_aoti")'],
    ['x.h5', '', 'is none of the models that can be read'],
  ])('refuses %s', (name, content, problem) => {
    expect(() => readModelFile(file(name, content))).toThrow(problem);
  });

  it('survives any bytes', () => {
    const whole = Buffer.from(identityModel('FLOAT', ['batch', 3]));
    const archive = zip({ 'net/data.pkl': pickle, 'net/code/__torch__/nets/detector.py': code });
    fc.assert(
      fc.property(
        fc.constantFrom('onnx', 'pt'),
        fc.nat(),
        fc.nat(255),
        fc.nat(),
        (kind, at, byte, end) => {
          const bytes = Buffer.from(kind === 'onnx' ? whole : archive);
          bytes[at % bytes.length] = byte;
          try {
            readModelFile(file(`any.${kind}`, bytes.subarray(0, (end % bytes.length) + 1)));
          } catch (error) {
            expect(error).toBeInstanceOf(CommandError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
