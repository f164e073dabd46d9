/**
 * Claim: a model that learns how to batch answers at least 0.95 times as many requests a second as with
 * the best of four settings made by hand, for each of three models whose batches cost in different
 * ways, whether 1, 8 or 32 clients ask. Each has a second that does not count with each number of clients:
 * settings by hand were found beforehand as well.
 */
import { ServerProcess } from '@nereid/test-kit';
import {
  convolvedLength,
  convolvingModel,
  layeredColumns,
  layeredModel,
} from '../harness/bench-models.ts';
import { repositoryOf } from '../harness/bench-repository.ts';
import { printSkipped, printTable, printVerdict } from '../harness/claim-report.ts';
import { binaryInference } from '../harness/infer-request.ts';
import { rotated } from '../harness/rotated.ts';
import { spreadOf } from '../harness/spread.ts';
import { runWrk, wrkMissing, wrkScript } from '../harness/wrk.ts';

const rounds = 6;
const roundSeconds = 1;
const connectionCounts: readonly number[] = [1, 8, 32];

/** Fields of the configuration, by the name of the setting. The first one is ours. */
const settings: Readonly<Record<string, string>> = {
  adaptive: 'dynamic_batching { } parameters { key: "adaptive" value: { string_value: "true" } }',
  alone: '',
  plain: 'dynamic_batching { }',
  delayed: 'dynamic_batching { max_queue_delay_microseconds: 500 }',
  patient:
    'dynamic_batching { preferred_batch_size: [ 8, 16, 32 ] max_queue_delay_microseconds: 2000 }',
};

interface BenchModel {
  readonly meaning: string;
  readonly file: Uint8Array;
  readonly dims: readonly number[];
  readonly maxBatchSize: number;
}

const models: Readonly<Record<string, BenchModel>> = {
  layered: {
    meaning: 'two megabytes of weights, read for each run',
    file: layeredModel(),
    dims: [layeredColumns],
    maxBatchSize: 32,
  },
  convolving: {
    meaning: 'a convolution, the same work for each row',
    file: convolvingModel(),
    dims: [1, convolvedLength],
    maxBatchSize: 32,
  },
  small: {
    meaning: 'batches of four at most',
    file: layeredModel(),
    dims: [layeredColumns],
    maxBatchSize: 4,
  },
};

function config({ dims, maxBatchSize }: BenchModel, batching: string): string {
  const tensor = (name: string): string =>
    `{ name: "${name}" data_type: TYPE_FP32 dims: [ ${dims.join(', ')} ] }`;
  // Preferred sizes cannot exceed the largest one.
  const fitting = batching.replace(/preferred_batch_size: \[([^\]]*)\]/u, (_, sizes: string) => {
    const kept = sizes.split(',').filter((size) => Number(size) <= maxBatchSize);
    return `preferred_batch_size: [ ${kept.length === 0 ? maxBatchSize : kept.join(',')} ]`;
  });
  return `backend: "onnxruntime"
max_batch_size: ${maxBatchSize}
input [ ${tensor('INPUT')} ]
output [ ${tensor('OUTPUT')} ]
parameters { key: "intra_op_thread_count" value: { string_value: "1" } }
${fitting}`;
}

/**
 * The share of the best setting's rate, round by round. Which setting is the best, the rounds of the other half tell: the
 * best of four noisy medians lies above what it stands for by chance.
 */
function compare(model: string, connections: number, rates: ReadonlyMap<string, number[]>): void {
  const own = rates.get('adaptive') as number[];
  const byHand = [...rates].filter(([name]) => name !== 'adaptive');
  const bestOf = (half: number): readonly [string, readonly number[]] => {
    const median = (values: readonly number[]): number =>
      spreadOf(values.filter((_, round) => round % 2 === half)).median;
    return byHand.reduce((a, b) => (median(b[1]) > median(a[1]) ? b : a));
  };
  const best = [bestOf(1), bestOf(0)] as const;
  const shares = own.map((rate, round) => rate / (best[round % 2]?.[1][round] as number));
  const names = [...new Set(best.map(([name]) => name))].join(', ');
  printVerdict(
    `${model}, -c${connections}: throughput with adaptive batching to that with the best setting (${names})`,
    spreadOf(shares),
    { atLeast: 0.95 },
  );
}

async function measure(
  server: ServerProcess,
  name: string,
  scripts: ReadonlyMap<string, string>,
  connections: number,
): Promise<void> {
  const rates = new Map(Object.keys(settings).map((setting): [string, number[]] => [setting, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [setting, into] of rotated([...rates], round)) {
      const script = scripts.get(setting) as string;
      const { requestsPerSecond } = await runWrk(script, server.port, connections, roundSeconds);
      if (round > 0) into.push(requestsPerSecond);
    }
  }
  printTable(
    `${name} (${models[name]?.meaning}), wrk -c${connections}, ${rounds} rounds of ${roundSeconds} s in turn`,
    [{ title: 'requests/s', digits: 0 }],
    [...rates].map(([setting, samples]) => ({ name: setting, samples: [samples] })),
  );
  compare(name, connections, rates);
}

async function main(): Promise<void> {
  const missing = wrkMissing();
  if (missing !== null) {
    printSkipped('adaptive batching', missing);
    return;
  }
  const files = Object.entries(models).flatMap(([name, model]) =>
    Object.entries(settings).flatMap(([setting, batching]) => [
      [`${name}_${setting}/config.pbtxt`, config(model, batching)] as const,
      [`${name}_${setting}/1/model.onnx`, model.file] as const,
    ]),
  );
  const repository = repositoryOf(Object.fromEntries(files));
  const flags = [`--model-repository=${repository}`, '--disable-auto-complete-config'];
  const server = await ServerProcess.start({ flags });
  for (const [name, { dims }] of Object.entries(models)) {
    const count = dims.reduce((product, dim) => product * dim, 1);
    const data = new Uint8Array(new Float32Array(count).fill(0.5).buffer);
    const input = { name: 'INPUT', datatype: 'FP32', shape: [1, ...dims], data };
    const scripts = new Map(
      Object.keys(settings).map((setting): [string, string] => [
        setting,
        wrkScript(binaryInference(`${name}_${setting}`, [input])),
      ]),
    );
    for (const script of scripts.values()) await runWrk(script, server.port, 8, 1);
    for (const connections of connectionCounts) await measure(server, name, scripts, connections);
  }
  await server.stop();
}

await main();
