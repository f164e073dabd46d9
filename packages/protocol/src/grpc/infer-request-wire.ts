import { type InferParameter, readParameterEntry } from './infer-parameter.ts';
import { TypedContents } from './typed-contents.ts';
import { unreadable, WireReader } from './wire-reader.ts';

/** Parameters of a request or tensor; null for none. */
export type WireParameters = Map<string, InferParameter> | null;

/** `ModelInferRequest.InferInputTensor`. */
export interface WireInput {
  name: string;
  datatype: string;
  shape: number[];
  parameters: WireParameters;
  /** Null where the field is absent. */
  contents: TypedContents | null;
}

/** `ModelInferRequest.InferRequestedOutputTensor`. */
export interface WireOutput {
  name: string;
  parameters: WireParameters;
}

/** `ModelInferRequest` field by field, its rules not yet looked at. */
export interface WireInferRequest {
  modelName: string;
  modelVersion: string;
  id: string;
  parameters: WireParameters;
  readonly inputs: WireInput[];
  readonly outputs: WireOutput[];
  /** Views of the message. */
  readonly rawContents: Uint8Array[];
}

/**
 * Reads a `ModelInferRequest`. By hand: this runs for every request, and tensors must stay views.
 *
 * @param message Must not change any more: the request's tensors are views of it.
 * @throws TritonError INTERNAL where protobuf's wire format is broken.
 */
export function readInferRequest(message: Uint8Array): WireInferRequest {
  const reader = new WireReader(message);
  const request: WireInferRequest = {
    modelName: '',
    modelVersion: '',
    id: '',
    parameters: null,
    inputs: [],
    outputs: [],
    rawContents: [],
  };
  const { end } = reader;
  while (reader.at < end) {
    const tag = reader.tag();
    switch (tag) {
      case 0x0a:
        request.modelName = reader.string();
        break;
      case 0x12:
        request.modelVersion = reader.string();
        break;
      case 0x1a:
        request.id = reader.string();
        break;
      case 0x22:
        request.parameters ??= new Map();
        readParameterEntry(reader, request.parameters);
        break;
      case 0x2a:
        request.inputs.push(readInput(reader));
        break;
      case 0x32:
        request.outputs.push(readOutput(reader));
        break;
      case 0x3a:
        request.rawContents.push(reader.view());
        break;
      default:
        reader.skip(tag);
    }
  }
  if (reader.at !== end) throw unreadable();
  return request;
}

/**
 * Where the data of the first raw input begin, judged by the start of a message: so that a large
 * tensor can be received to where a runtime wants it. Null where the start does not tell.
 */
export function rawContentsOffset(firstBytes: Uint8Array): number | null {
  const reader = new WireReader(firstBytes);
  try {
    while (reader.at < reader.end) {
      const tag = reader.tag();
      if (tag !== 0x3a) {
        reader.skip(tag);
        continue;
      }
      while ((firstBytes[reader.at] ?? 0) >= 0x80) reader.at++;
      return reader.at < reader.end ? reader.at + 1 : null;
    }
  } catch {
    // The fields before the data go on where the first bytes end.
  }
  return null;
}

function readInput(reader: WireReader): WireInput {
  const outerEnd = reader.end;
  const end = reader.lengthEnd();
  reader.end = end;
  const input: WireInput = { name: '', datatype: '', shape: [], parameters: null, contents: null };
  while (reader.at < end) {
    const tag = reader.tag();
    switch (tag) {
      case 0x0a:
        input.name = reader.string();
        break;
      case 0x12:
        input.datatype = reader.string();
        break;
      case 0x18:
        input.shape.push(reader.int64Number());
        break;
      case 0x1a:
        readPackedShape(reader, input.shape);
        break;
      case 0x22:
        input.parameters ??= new Map();
        readParameterEntry(reader, input.parameters);
        break;
      case 0x2a:
        input.contents ??= new TypedContents();
        input.contents.read(reader);
        break;
      default:
        reader.skip(tag);
    }
  }
  reader.end = outerEnd;
  return input;
}

function readPackedShape(reader: WireReader, shape: number[]): void {
  const outerEnd = reader.end;
  const end = reader.lengthEnd();
  reader.end = end;
  while (reader.at < end) shape.push(reader.int64Number());
  reader.end = outerEnd;
}

function readOutput(reader: WireReader): WireOutput {
  const outerEnd = reader.end;
  const end = reader.lengthEnd();
  reader.end = end;
  const output: WireOutput = { name: '', parameters: null };
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === 0x0a) {
      output.name = reader.string();
    } else if (tag === 0x12) {
      output.parameters ??= new Map();
      readParameterEntry(reader, output.parameters);
    } else {
      reader.skip(tag);
    }
  }
  reader.end = outerEnd;
  return output;
}
