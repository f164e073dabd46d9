import type { DataType } from '../data-type.ts';
import { elementByteSize } from '../data-type.ts';
import { cString } from '../infer/c-string.ts';
import {
  defaultRequestParameters,
  type InferRequestMessage,
  type ParameterValue,
} from '../infer/infer-request-message.ts';
import { readTensorData } from '../infer/json-tensor-data.ts';
import { requestIdPrefix } from '../infer/request-id-prefix.ts';
import { parameterOf } from '../infer/request-parameters.ts';
import { JsonReader } from '../json/json-reader.ts';
import {
  accessError,
  type JsonObject,
  JsonSpan,
  type JsonValue,
  jsonMember,
  jsonString,
} from '../json/json-value.ts';
import type { Tensor } from '../tensor.ts';
import { TritonError } from '../triton-error.ts';
import { arrayElementCount } from './array-element-count.ts';
import { generateShape } from './generate-shape.ts';

/** An input of the model, as its metadata tell it. */
export interface GenerateInput {
  readonly dataType: DataType;
  /** With the batch dimension; -1 where the size varies. */
  readonly shape: readonly number[];
}

export interface GenerateContext {
  readonly inputs: ReadonlyMap<string, GenerateInput>;
  /** Bytes that the JSON may have, and that the tensors made of one of its objects may have together. */
  readonly inputBytesMax: number;
}

/** The one member whose own members are read as if they stood beside it. */
const nestedMember = 'parameters';

/**
 * Reads a request of the generate extension: one JSON object. Members that are named as an input are its
 * data, all others, `id` among them, are parameters without a meaning of their own.
 *
 * @param body its memory is not referred to by what is returned.
 * @throws TritonError with the texts of Triton's HTTP front end.
 */
export function decodeGenerateRequest(
  body: Uint8Array,
  context: GenerateContext,
): InferRequestMessage {
  if (body.byteLength > context.inputBytesMax) {
    throw new TritonError(
      'INVALID_ARG',
      `request JSON size of ${body.byteLength} bytes exceeds the maximum allowed input size of ${context.inputBytesMax} bytes. Use --http-max-input-size to increase the limit.`,
    );
  }
  return new GenerateRequestReader(body, context).read();
}

class GenerateRequestReader {
  readonly #json: Buffer;
  readonly #reader: JsonReader;
  readonly #context: GenerateContext;
  readonly #tensors = new Map<string, Tensor>();
  readonly #parameters = new Map<string, ParameterValue>();
  #id = '';

  constructor(body: Uint8Array, context: GenerateContext) {
    this.#json = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    this.#reader = new JsonReader(this.#json, null, new Set(context.inputs.keys()));
    this.#context = context;
  }

  read(): InferRequestMessage {
    const document = this.#reader.read();
    const id = jsonMember(document, 'id');
    if (id !== undefined) {
      this.#id = cString(jsonString(this.#withoutSpan(id), "Unable to parse 'id'"));
    }
    if (!(document instanceof Map)) throw accessError('attempt to get members for non-object');
    this.#readMembers(document, true);
    return {
      id: this.#id,
      parameters: { ...defaultRequestParameters, custom: this.#parameters },
      inputs: [...this.#tensors.values()],
      rawInput: null,
      outputs: [],
    };
  }

  #readMembers(object: JsonObject, outermost: boolean): void {
    let inputBytes = 0;
    for (const [member, value] of object) {
      const name = cString(member);
      if (outermost && name === nestedMember) {
        this.#readNested(value);
      } else if (value instanceof JsonSpan) {
        inputBytes += this.#readInput(name, value, inputBytes);
        if (this.#reader.repeated(object).has(member)) throw this.#firstRepeated(object);
      } else {
        this.#parameters.set(name, parameterOf(name, value));
      }
    }
  }

  #readNested(value: JsonValue): void {
    if (this.#context.inputs.has(nestedMember)) {
      throw new TritonError(
        'INVALID_ARG',
        `Keyword '${nestedMember}' for nested schema also given as input tensor name`,
      );
    }
    if (!(value instanceof Map)) {
      throw accessError(
        `Expected JSON object for keyword: '${nestedMember}': attempt to access JSON non-object as object`,
      );
    }
    try {
      this.#readMembers(value, false);
    } catch (failure) {
      if (!(failure instanceof TritonError)) throw failure;
      throw new TritonError(
        failure.code,
        `Converting keyword: '${nestedMember}': ${failure.message}`,
      );
    }
  }

  /** @returns the bytes of its data. */
  #readInput(name: string, span: JsonSpan, bytesBefore: number): number {
    const input = this.#context.inputs.get(name) as GenerateInput;
    const { dataType } = input;
    const count = arrayElementCount(this.#json, span);
    const strings = dataType === 'BYTES' ? readTensorData(this.#json, span, dataType, 0) : null;
    const byteSize = strings?.byteLength ?? count * elementByteSize(dataType);
    this.#refuseTooLarge(name, byteSize, bytesBefore);
    const shape = generateShape(name, input.shape, count);
    if (dataType === 'FP16' || dataType === 'BF16') {
      throw new TritonError(
        'INVALID_ARG',
        `receiving ${dataType} data via JSON is not supported. Please use the binary data format for input ${name}`,
      );
    }
    const data = strings ?? readTensorData(this.#json, span, dataType, count);
    this.#addInput({ name, dataType, shape, data });
    return byteSize;
  }

  #refuseTooLarge(name: string, byteSize: number, bytesBefore: number): void {
    const { inputBytesMax } = this.#context;
    if (bytesBefore + byteSize <= inputBytesMax) return;
    throw new TritonError(
      'INVALID_ARG',
      `request size of ${bytesBefore} bytes with input '${name}' of size ${byteSize} bytes exceeds the maximum allowed input size of ${inputBytesMax}. Use --http-max-input-size to increase the limit.`,
    );
  }

  #addInput(tensor: Tensor): void {
    if (this.#tensors.has(tensor.name)) throw this.#alreadyExists(tensor.name);
    this.#tensors.set(tensor.name, tensor);
  }

  /** Of several inputs that came twice, the one that did so first. */
  #firstRepeated(object: JsonObject): TritonError {
    for (const member of this.#reader.repeated(object)) {
      if (object.get(member) instanceof JsonSpan) return this.#alreadyExists(cString(member));
    }
    throw new Error('no input came twice');
  }

  #alreadyExists(name: string): TritonError {
    return new TritonError(
      'INVALID_ARG',
      `${requestIdPrefix(this.#id)}input '${name}' already exists in request`,
    );
  }

  /** A model may have an input of the name `id`, too. */
  #withoutSpan(value: JsonValue): JsonValue {
    if (!(value instanceof JsonSpan)) return value;
    return new JsonReader(this.#json.subarray(value.start, value.end), null).read();
  }
}
