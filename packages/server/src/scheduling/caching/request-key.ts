import { createHash, hash } from 'node:crypto';
import type { Tensor } from '@nereid/protocol';
import type { InferRequest } from '../../core/infer-request.ts';
import { areOfForms, formOf, type TensorForm } from '../../core/tensor-form.ts';

/** Requests up to this size are laid side by side and hashed in one call: a quarter of a microsecond. */
const scratchBytes = 16 * 1024;
/** Tensors from this size on are hashed on a thread: more than 0.1 ms of work. */
const threadBytesMin = 256 * 1024;

const algorithm = 'sha256';

/**
 * Names requests to one model version by what its answer depends on: names, types, shapes and bytes of
 * the inputs, in whatever order and form they came. Id, parameters and requested outputs are no part
 * of it, as in Triton. SHA-256, so that nobody can make a request that gets another one's answer.
 */
export class RequestKeys {
  readonly #scope: string;
  readonly #scratch = Buffer.allocUnsafeSlow(scratchBytes);
  /** What the scratch begins with: the scope and the heads of inputs of these forms, in so many bytes. */
  #writtenForms: readonly TensorForm[] = [];
  #writtenBytes = 0;

  /** @param scope names the model version. */
  constructor(scope: string) {
    this.#scope = `${scope.length}:${scope}`;
  }

  /** A promise for a request with large tensors. */
  keyOf({ inputs }: InferRequest): string | Promise<string> {
    const sorted = sortedByName(inputs);
    let bytes = 0;
    let large = false;
    for (const { data } of sorted) {
      bytes += data.byteLength;
      large ||= data.byteLength >= threadBytesMin;
    }
    if (large) return this.#keyByThread(sorted);
    return this.#keyInScratch(sorted, bytes) ?? this.#keyInPieces(sorted);
  }

  /** Null where it does not fit. */
  #keyInScratch(inputs: readonly Tensor[], bytes: number): string | null {
    const scratch = this.#scratch;
    let at = this.#writtenBytes;
    // Requests to one model mostly differ in nothing but their bytes.
    if (at === 0 || !areOfForms(inputs, this.#writtenForms)) {
      let text = this.#scope;
      for (const input of inputs) text += headOf(input);
      // A UTF-16 unit becomes three bytes of UTF-8 at most.
      if (bytes + 3 * text.length > scratchBytes) return null;
      at = scratch.write(text, 0);
      this.#writtenForms = inputs.map(formOf);
      this.#writtenBytes = at;
    }
    for (const { data } of inputs) {
      scratch.set(data, at);
      at += data.byteLength;
    }
    return hash(algorithm, scratch.subarray(0, at), 'base64url');
  }

  #keyInPieces(inputs: readonly Tensor[]): string {
    const all = createHash(algorithm).update(this.#scope);
    for (const input of inputs) all.update(headOf(input));
    for (const { data } of inputs) all.update(data);
    return all.digest('base64url');
  }

  async #keyByThread(inputs: readonly Tensor[]): Promise<string> {
    const digests = await Promise.all(
      inputs.map(({ data }) => crypto.subtle.digest('SHA-256', data as Uint8Array<ArrayBuffer>)),
    );
    const all = createHash(algorithm).update('digests').update(this.#scope);
    for (const input of inputs) all.update(headOf(input));
    for (const digest of digests) all.update(new Uint8Array(digest));
    return all.digest('base64url');
  }
}

/** What of an input is hashed besides its bytes. Lengths come first, so that no two requests can be written the same way. */
function headOf({ name, dataType, shape, data }: Tensor): string {
  return `${name.length}:${name}${dataType}[${shape.join()}]${data.byteLength};`;
}

function sortedByName(inputs: readonly Tensor[]): readonly Tensor[] {
  for (let i = 1; i < inputs.length; i++) {
    if ((inputs[i - 1] as Tensor).name > (inputs[i] as Tensor).name) {
      return [...inputs].sort((a, b) => (a.name < b.name ? -1 : 1));
    }
  }
  return inputs;
}
