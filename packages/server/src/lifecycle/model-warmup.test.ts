import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseModelConfigText, type Tensor, TritonError } from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackendInstance } from '../core/backend.ts';
import type { Execution } from '../core/execution.ts';
import { silentLogger } from '../core/logger.ts';
import { prepareRequest } from '../data-plane/prepare-request.ts';
import { ModelStatistics } from '../observability/model-statistics.ts';
import { ModelWarmup } from './model-warmup.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'nereid-warmup-'));
  mkdirSync(join(directory, 'warmup'));
  writeFileSync(join(directory, 'warmup', 'four'), Uint8Array.of(1, 2, 3, 4));
  writeFileSync(join(directory, 'warmup', 'text'), Uint8Array.of(1, 0, 0, 0, 65));
  writeFileSync(join(directory, 'secret'), 'not for models');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Answers what it is asked, or fails it; keeps what it got. */
class RecordingInstance implements BackendInstance {
  readonly name = 'm_0';
  readonly runs: (readonly (readonly Tensor[])[])[] = [];
  readonly #answer: (execution: Execution) => void;

  constructor(answer: (execution: Execution) => void = answerWell) {
    this.#answer = answer;
  }

  execute(batch: readonly Execution[]): null {
    this.runs.push(batch.map(({ request }) => request.inputs));
    for (const execution of batch) {
      execution.computeStartNs = 1;
      execution.computeEndNs = 2;
      this.#answer(execution);
    }
    return null;
  }
}

function answerWell({ sink }: Execution): void {
  const nothing = { modelName: 'm', modelVersion: '1', id: '', parameters: new Map(), outputs: [] };
  sink.respond(nothing, true);
}

const io = `input [ { name: "A" data_type: TYPE_UINT8 dims: [ -1 ] } ]
  output [ { name: "Z" data_type: TYPE_UINT8 dims: [ -1 ] } ]`;
const sample = (input: string, more = 'batch_size: 1'): string =>
  `model_warmup { name: "w" ${more} inputs { key: "A" value { ${input} } } }`;

async function warmUp(config: string, instance = new RecordingInstance(), maxBatchSize = 4) {
  const clock = new ManualClock();
  const statistics = new ModelStatistics(clock);
  const warmup = await ModelWarmup.prepare({
    config: parseModelConfigText(
      `name: "m" max_batch_size: ${maxBatchSize} ${config.includes('input [') ? '' : io} ${config}`,
      'config.pbtxt',
    ),
    directory,
    statistics,
    prepareRequest,
    clock,
    logger: silentLogger,
  });
  await warmup.run(instance);
  return { instance, statistics: statistics.snapshot() };
}

describe('ModelWarmup', () => {
  it('runs each sample as a batch of requests of one row, as often as asked, and counts it', async () => {
    const { instance, statistics } = await warmUp(
      sample('data_type: TYPE_UINT8 dims: 3 zero_data: true', 'batch_size: 2 count: 3'),
    );
    expect(instance.runs.map((run) => run.length)).toEqual([2, 2, 2]);
    expect(instance.runs[0]?.[0]).toEqual([
      { name: 'A', dataType: 'UINT8', shape: [1, 3], data: new Uint8Array(3) },
    ]);
    expect(statistics).toMatchObject({
      inference_count: 6,
      execution_count: 3,
      inference_stats: { success: { count: 6 } },
      batch_stats: [{ batch_size: 2 }],
    });
  });

  it('takes data from a file, its beginning where the file is longer', async () => {
    const { instance } = await warmUp(
      sample('data_type: TYPE_UINT8 dims: 2 input_data_file: "four"'),
    );
    expect([...(instance.runs[0]?.[0]?.[0]?.data ?? [])]).toEqual([1, 2]);
  });

  it('takes random bytes, for strings empty ones, and a string file as it is', async () => {
    const random = await warmUp(sample('data_type: TYPE_UINT8 dims: 64 random_data: true'));
    expect(new Set(random.instance.runs[0]?.[0]?.[0]?.data).size).toBeGreaterThan(1);
    const text = `input [ { name: "A" data_type: TYPE_STRING dims: [ -1 ] } ]
      output [ { name: "Z" data_type: TYPE_UINT8 dims: [ -1 ] } ]`;
    for (const [content, bytes] of [
      ['random_data: true', [0, 0, 0, 0]],
      ['input_data_file: "text"', [1, 0, 0, 0, 65]],
    ] as const) {
      const { instance } = await warmUp(
        `${text} ${sample(`data_type: TYPE_STRING dims: 1 ${content}`)}`,
      );
      expect([...(instance.runs[0]?.[0]?.[0]?.data ?? [])]).toEqual(bytes);
    }
  });

  it('hands on what is no input of the model as it is: the controls of a sequence', async () => {
    const start = 'inputs { key: "START" value { data_type: TYPE_INT32 dims: 1 zero_data: true } }';
    const more = `batch_size: 1 ${start}`;
    const { instance } = await warmUp(
      sample('data_type: TYPE_UINT8 dims: 1 zero_data: true', more),
    );
    const [, control] = instance.runs[0]?.[0] ?? [];
    expect(control).toMatchObject({ name: 'START', shape: [1] });
  });

  it('runs nothing for a batch of 0', async () => {
    const input = 'data_type: TYPE_UINT8 dims: 1 zero_data: true';
    expect((await warmUp(sample(input, 'batch_size: 0'))).instance.runs).toEqual([]);
  });

  it.each([
    [
      'data_type: TYPE_UINT8 dims: -1 zero_data: true',
      'INVALID_ARG',
      "warmup setting expects all variable-size dimensions are specified for input 'A'",
    ],
    [
      'data_type: TYPE_UINT8 dims: 5 input_data_file: "four"',
      'INVALID_ARG',
      '[request id: <id_unknown>] warmup setting expects 5 bytes, but the data provided from fouronly has 4 bytes',
    ],
    [
      'data_type: TYPE_UINT8 dims: 1',
      'INVALID_ARG',
      "[request id: <id_unknown>] warmup setting expects input 'A' to have input_data_type set",
    ],
    [
      'data_type: TYPE_FP32 dims: 1 zero_data: true',
      'INVALID_ARG',
      "inference input 'A' data-type is 'FP32', but model 'm' expects 'UINT8'",
    ],
    [
      'data_type: TYPE_UINT8 dims: 1 input_data_file: "none"',
      'INTERNAL',
      'warmup/none: No such file or directory',
    ],
    [
      'data_type: TYPE_UINT8 dims: 1 input_data_file: "../secret"',
      'INVALID_ARG',
      "warmup file '../secret' is outside of the model's folder 'warmup'",
    ],
    [
      'data_type: TYPE_UINT8 dims: 1 input_data_file: "/etc/hostname"',
      'INVALID_ARG',
      "warmup file '/etc/hostname' is outside of the model's folder 'warmup'",
    ],
    [
      'data_type: TYPE_FP64 dims: [ 1000000, 1000000, 1000000 ] zero_data: true',
      'INVALID_ARG',
      "asks for 8000000000000000000 bytes for input 'A', at most 2147483647",
    ],
  ])('refuses %s', async (input, code, text) => {
    await expect(warmUp(sample(input))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
    });
  });

  it('refuses a batch that no memory holds', async () => {
    const input = 'data_type: TYPE_UINT8 dims: 1 zero_data: true';
    await expect(warmUp(sample(input, 'batch_size: 1000000000'))).rejects.toThrow(
      "warmup sample 'w' asks for 1000000000 requests in a batch",
    );
  });

  it('ends at the first sample that fails, with what the backend said of each request', async () => {
    const instance = new RecordingInstance(({ sink }) =>
      sink.fail(new TritonError('INTERNAL', 'no')),
    );
    const config = sample(
      'data_type: TYPE_UINT8 dims: 1 zero_data: true',
      'batch_size: 2 count: 9',
    );
    await expect(warmUp(config, instance)).rejects.toMatchObject({
      code: 'INVALID_ARG',
      message: "failed to run warmup sample 'w': no; no; ",
    });
    expect(instance.runs).toHaveLength(1);
  });

  it('waits for answers that come after the run', async () => {
    let answer = (): void => {};
    const instance = new RecordingInstance((execution) => {
      execution.detached = true;
      answer = () => answerWell(execution);
    });
    let over = false;
    const warm = warmUp(sample('data_type: TYPE_UINT8 dims: 1 zero_data: true'), instance).then(
      () => {
        over = true;
      },
    );
    await new Promise((resolve) => setImmediate(resolve));
    while (instance.runs.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    answer();
    await warm;
  });
});
