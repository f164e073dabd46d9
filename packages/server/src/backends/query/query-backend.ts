import { type Tensor, TritonError } from '@nereid/protocol';
import type { Backend, BackendLoadContext, BackendModel } from '../../core/backend.ts';
import { type ExecuteRow, RowModel } from '../row-model/row-model.ts';

/** What Triton's tests set; looked at with every request. */
type Environment = Readonly<Record<string, string | undefined>>;

/** Where every output of this server is: in the CPU's memory. */
const memory = 'CPU 0; ';

/** Bytes of an output where the environment says nothing. */
const outputBytesDefault = 2;
const outputBytesMax = 1024 ** 3;

/**
 * Triton's `query` test backend: asks where its outputs are to be, OUTPUT0 and OUTPUT1, and gives so
 * many bytes of each as TEST_BYTE_SIZE says; or, with TEST_FAIL_WITH_QUERY_RESULT, an error that tells it.
 */
export class QueryBackend implements Backend {
  readonly name = 'query';
  readonly #environment: Environment;

  constructor(environment: Environment = process.env) {
    this.#environment = environment;
  }

  async loadModel(context: BackendLoadContext): Promise<BackendModel> {
    return new RowModel(context, { instance: () => outputsOf(this.#environment) });
  }

  async shutdown(): Promise<void> {
    // Holds nothing.
  }
}

function outputsOf(environment: Environment): ExecuteRow {
  return () => {
    const anonymous = environment['TEST_ANONYMOUS'] !== undefined;
    if (environment['TEST_FAIL_WITH_QUERY_RESULT'] !== undefined) {
      const asked = anonymous ? ['NULL'] : ['OUTPUT0', 'OUTPUT1'];
      return new TritonError('UNKNOWN', asked.map((name) => `${name} ${memory}`).join(''));
    }
    const bytes = outputBytes(environment['TEST_BYTE_SIZE'], anonymous);
    return ['OUTPUT0', 'OUTPUT1'].map(
      (name): Tensor => ({ name, dataType: 'UINT8', shape: [bytes], data: new Uint8Array(bytes) }),
    );
  };
}

/** Both outputs together have the size when it was asked for without a name. */
function outputBytes(text: string | undefined, anonymous: boolean): number {
  if (text === undefined) return outputBytesDefault;
  const bytes = Math.min(outputBytesMax, Math.max(0, Number.parseInt(text, 10) || 0));
  return anonymous ? Math.floor(bytes / 2) : bytes;
}
