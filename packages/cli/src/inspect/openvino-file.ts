import { existsSync, readFileSync, statSync } from 'node:fs';
import { anyRankNotes, type DeclaredTensor, type ModelFile, malformed } from './model-file.ts';

const format = 'OpenVINO model';
const fileBytesMax = 536_870_912;

const types: Readonly<Record<string, string>> = {
  boolean: 'TYPE_BOOL',
  u8: 'TYPE_UINT8',
  u16: 'TYPE_UINT16',
  u32: 'TYPE_UINT32',
  u64: 'TYPE_UINT64',
  i8: 'TYPE_INT8',
  i16: 'TYPE_INT16',
  i32: 'TYPE_INT32',
  i64: 'TYPE_INT64',
  f16: 'TYPE_FP16',
  bf16: 'TYPE_BF16',
  f32: 'TYPE_FP32',
  f64: 'TYPE_FP64',
  string: 'TYPE_STRING',
  // As the precision of a port says it.
  BOOL: 'TYPE_BOOL',
  I8: 'TYPE_INT8',
  U8: 'TYPE_UINT8',
  I16: 'TYPE_INT16',
  U16: 'TYPE_UINT16',
  I32: 'TYPE_INT32',
  U32: 'TYPE_UINT32',
  I64: 'TYPE_INT64',
  U64: 'TYPE_UINT64',
  FP16: 'TYPE_FP16',
  BF16: 'TYPE_BF16',
  FP32: 'TYPE_FP32',
  FP64: 'TYPE_FP64',
  STRING: 'TYPE_STRING',
};

type Attributes = Readonly<Record<string, string>>;

interface Port {
  readonly attributes: Attributes;
  readonly dims: readonly number[];
}

/** A layer that is an input or an output, and the ports of all that feed one. */
interface Layer {
  readonly attributes: Attributes;
  data: Attributes;
  readonly ports: Map<string, Port>;
}

/** Reads the parameters and results of `model.xml`. @throws CommandError */
export function readOpenVino(path: string): ModelFile {
  if (statSync(path).size > fileBytesMax) {
    throw malformed(path, format, `it is larger than ${fileBytesMax} bytes`);
  }
  const { layers, edges } = layersOf(readFileSync(path, 'utf8'), path);
  const all = [...layers.values()];
  const inputs = all.filter(({ attributes }) => attributes['type'] === 'Parameter').map(inputOf);
  // A port does not tell one without dimensions from one with any number of them.
  const anyRank = inputs.some(({ shape }) => shape === null);
  const outputs = all
    .filter(({ attributes }) => attributes['type'] === 'Result')
    .map((layer) => outputOf(layer, layers, edges))
    .map((output) => (anyRank && output.shape?.length === 0 ? { ...output, shape: null } : output));
  if (inputs.length === 0) throw malformed(path, format, 'it has no parameters');
  const weights = path.replace(/\.xml$/iu, '.bin');
  return {
    backend: 'openvino',
    platform: '',
    localName: 'model.xml',
    inputs,
    outputs,
    companions: existsSync(weights) ? [{ from: weights, to: 'model.bin' }] : [],
    parameters: {},
    notes: anyRankNotes([...inputs, ...outputs]),
  };
}

const tag = /<(\/?)([\w-]+)((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>([^<]*)/gu;

function layersOf(
  xml: string,
  path: string,
): { layers: Map<string, Layer>; edges: Map<string, { layer: string; port: string }> } {
  if (/<!(DOCTYPE|ENTITY)/u.test(xml)) throw malformed(path, format, 'it declares entities');
  const layers = new Map<string, Layer>();
  /** By the layer that is fed. */
  const edges = new Map<string, { layer: string; port: string }>();
  let layer: Layer | null = null;
  let dims: number[] = [];
  // Graphs lie in layers such as If and Loop: theirs are no inputs of the model.
  let depth = 0;
  for (const [, close, name, given = '', , text = ''] of xml.matchAll(tag)) {
    if (name === 'body' || name === 'then_body' || name === 'else_body')
      depth += close === '' ? 1 : -1;
    if (close !== '' || depth > 0) continue;
    const attributes = attributesOf(given);
    if (name === 'layer') {
      layer = { attributes, data: {}, ports: new Map() };
      layers.set(attributes['id'] ?? '', layer);
    } else if (name === 'data' && layer !== null) layer.data = attributes;
    else if (name === 'port' && layer !== null) {
      dims = [];
      layer.ports.set(attributes['id'] ?? '', { attributes, dims });
    } else if (name === 'dim') dims.push(Number(text.trim()));
    else if (name === 'edge') {
      const { 'from-layer': from = '', 'from-port': port = '', 'to-layer': to = '' } = attributes;
      edges.set(to, { layer: from, port });
    }
  }
  return { layers, edges };
}

function attributesOf(text: string): Attributes {
  const pairs = [...text.matchAll(/([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/gu)];
  return Object.fromEntries(pairs.map(([, name, a, b]) => [name, decode(a ?? b ?? '')]));
}

function decode(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    amp: '&',
    lt: '<',
    gt: '>',
    quot: '"',
    apos: "'",
  };
  return text.replaceAll(/&(\w+);/gu, (whole, name: string) => entities[name] ?? whole);
}

function inputOf({ attributes, data, ports }: Layer): DeclaredTensor {
  const port = [...ports.values()][0];
  return {
    name: firstName(port) ?? attributes['name'] ?? '',
    dataType: types[data['element_type'] ?? ''] ?? null,
    shape: data['shape'] === undefined ? (port?.dims ?? null) : shapeOf(data['shape']),
  };
}

function outputOf(
  { attributes, ports }: Layer,
  layers: ReadonlyMap<string, Layer>,
  edges: ReadonlyMap<string, { layer: string; port: string }>,
): DeclaredTensor {
  const own = [...ports.values()][0];
  const from = edges.get(attributes['id'] ?? '');
  const source = layers.get(from?.layer ?? '')?.ports.get(from?.port ?? '');
  const name = attributes['output_names']?.split(',')[0] ?? firstName(source);
  return {
    name: name ?? (attributes['name'] ?? '').replace(/\/sink_port_\d+$/u, ''),
    dataType: types[source?.attributes['precision'] ?? own?.attributes['precision'] ?? ''] ?? null,
    shape: own?.dims.map((size) => (size < 0 ? -1 : size)) ?? null,
  };
}

/** A port's names, with commas between them; a comma in a name has a backslash before it. */
function firstName(port: Port | undefined): string | undefined {
  return port?.attributes['names']?.split(/(?<!\\),/u)[0]?.replaceAll('\\,', ',');
}

/** `1,3,?,224..640`: what is no number varies. */
function shapeOf(text: string): number[] | null {
  if (text.trim() === '...') return null;
  if (text.trim() === '') return [];
  return text.split(',').map((size) => (/^\d+$/u.test(size.trim()) ? Number(size) : -1));
}
