import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type {
  DataType,
  InferenceClient,
  InferOptions,
  RequestedOutput,
  Tensor,
} from '@nereid/client';
import { boundChild } from '@nereid/test-kit';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { checkout } from './checkout.ts';

/** What is said about a request, in words that both languages know. */
export interface RoundTripOptions {
  readonly id?: string;
  readonly version?: string;
  readonly priority?: number;
  readonly timeout?: number;
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
  readonly sequence_id?: number | string;
  readonly sequence_start?: boolean;
  readonly sequence_end?: boolean;
  readonly compression?: 'gzip' | 'deflate';
  /** Over HTTP: inputs in JSON. */
  readonly binary?: boolean;
  /** Asks for the output by its name, and over HTTP in this form. */
  readonly asks?: boolean;
  readonly binary_output?: boolean;
  readonly class_count?: number;
}

const variants: Readonly<Record<string, RoundTripOptions>> = {
  'no option': {},
  'an id': { id: 'é 1' },
  'a version': { version: '1' },
  'a version that is not there': { version: '7' },
  'a priority': { priority: 1 },
  'a time in the queue': { timeout: 1_000_000 },
  'parameters of each kind': { parameters: { text: 'é', count: -7, flag: true } },
  'a sequence with a number': { sequence_id: 7, sequence_start: true, sequence_end: true },
  'a sequence with a name': { sequence_id: 'seven', sequence_start: true, sequence_end: true },
  gzip: { compression: 'gzip' },
  deflate: { compression: 'deflate' },
  'an output by its name': { asks: true },
  'classes instead of scores': { asks: true, class_count: 2 },
  'more classes than there are': { asks: true, class_count: 9 },
  'inputs in JSON': { binary: false },
  'outputs in JSON': { asks: true, binary_output: false },
  'JSON both ways': { binary: false, asks: true, binary_output: false },
  'JSON both ways, compressed': {
    binary: false,
    asks: true,
    binary_output: false,
    compression: 'gzip',
  },
};

/** One request that is made over each protocol, with each client, of each server. */
export interface RoundTrip {
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly sent: Tensor;
  readonly options: RoundTripOptions;
}

/** What a client makes of the answer. Data is in hexadecimal; for BYTES one text an element. */
export type RoundTripAnswer =
  | {
      readonly shape: readonly number[];
      readonly data: string | readonly string[];
      readonly id: string;
      readonly version: string;
    }
  | { readonly error: string };

type Protocol = 'http' | 'grpc';

/** Every data type with every option. JSON has no FP16. */
export function roundTrips(samples: Readonly<Partial<Record<DataType, Tensor>>>): RoundTrip[] {
  return Object.values(samples).flatMap((sample) =>
    Object.entries(variants).flatMap(([variant, options]) => {
      const { datatype } = sample;
      const inJson = options.binary === false || options.binary_output === false;
      if (datatype === 'FP16' && inJson) return [];
      // The process of Triton 2.51 ends when it is asked for classes of texts.
      if (datatype === 'BYTES' && options.class_count !== undefined) return [];
      const name = `${datatype} with ${variant}`;
      const ends = { input: `INPUT_${datatype}`, output: `OUTPUT_${datatype}` };
      return { name, ...ends, sent: sample, options };
    }),
  );
}

/** What Triton's own client gets of a server. */
export async function pythonAnswers(
  trips: readonly RoundTrip[],
  httpPort: number,
  grpcPort: number,
): Promise<Record<string, Record<Protocol, RoundTripAnswer>>> {
  const script = join(checkout, 'tests', 'e2e', 'python', 'ask_round_trips.py');
  const addresses = [`127.0.0.1:${httpPort}`, `127.0.0.1:${grpcPort}`];
  const child = boundChild(spawn(ensurePythonEnv(), [script, ...addresses]));
  const cases = trips.map(({ sent: { datatype, shape, data }, ...rest }) => {
    return { ...rest, datatype, shape, data: hexOf(data) };
  });
  child.stdin.end(JSON.stringify(cases));
  const [output, errors, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (status !== 0) throw new Error(`ask_round_trips.py ended with ${status}:\n${errors}`);
  return JSON.parse(output);
}

/** The same request with our client. */
export async function ourAnswer(
  client: InferenceClient,
  trip: RoundTrip,
): Promise<RoundTripAnswer> {
  const { sent, input, output } = trip;
  try {
    const result = await client.infer('echo', { [input]: sent }, optionsOf(trip));
    const { shape: answered, data } = result.output(output);
    return {
      shape: [...answered],
      data: hexOf(data),
      id: result.id,
      version: result.modelVersion,
    };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

function optionsOf({ output, options }: RoundTrip): InferOptions {
  const { id, version, priority, timeout, parameters, compression, binary } = options;
  const { asks, class_count, binary_output, sequence_id, sequence_start, sequence_end } = options;
  const asked: RequestedOutput = {
    name: output,
    ...(class_count === undefined ? {} : { classCount: class_count }),
    ...(binary_output === undefined ? {} : { binary: binary_output }),
  };
  const sequence = {
    id: sequence_id ?? '',
    start: sequence_start === true,
    end: sequence_end === true,
  };
  return {
    ...(id === undefined ? {} : { id }),
    ...(version === undefined ? {} : { version }),
    ...(priority === undefined ? {} : { priority }),
    ...(timeout === undefined ? {} : { queueTimeoutMicroseconds: timeout }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(sequence_id === undefined ? {} : { sequence }),
    ...(compression === undefined
      ? {}
      : { requestCompression: compression, responseCompression: compression }),
    ...(binary === undefined ? {} : { binary }),
    ...(asks === true ? { outputs: [asked] } : {}),
  };
}

function hexOf(data: Tensor['data']): string | string[] {
  const hex = ({ buffer, byteOffset, byteLength }: Exclude<Tensor['data'], unknown[]>): string =>
    Buffer.from(buffer, byteOffset, byteLength).toString('hex');
  return Array.isArray(data) ? data.map(hex) : hex(data);
}
