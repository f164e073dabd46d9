/**
 * Claims: beside a real tritonserver with its Python backend, the same `model.py` and the same
 * perf_analyzer, the median latency is at most 0.6, the throughput at eight requests at a time at
 * least twice, and loading takes at most 0.7 of the time.
 *
 * perf_analyzer takes its share of the machine's processors: how far it can get is shown by a model that
 * is no Python and does nothing, and what the servers take for themselves by their processor time.
 */

import { TritonProcess } from '@nereid/test-kit';
import { ensurePerfAnalyzer, type PerfAnalyzer } from '../../tools/perf-analyzer.mjs';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { ensureTritonPeer } from '../../tools/triton-peer.mjs';
import { repositoryOf, temporaryFolder } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printSkipped, printTable, printVerdict } from '../harness/claim-report.ts';
import { type LoadReport, runPerfAnalyzer } from '../harness/perf-analyzer.ts';
import { treeCpuSeconds } from '../harness/process-usage.ts';
import { ratioOf } from '../harness/spread.ts';

const claim = 'a Python model beside the real tritonserver';
const rounds = 3;
const loads = 5;
const windowMs = 500;
const folder = temporaryFolder();

const tensor = (name: string, dims: string): string =>
  `[ { name: "${name}" data_type: TYPE_FP32 dims: [ ${dims} ] } ]`;
const group = 'instance_group [ { count: 1 kind: KIND_CPU } ]';

const addSubConfig = `backend: "python"
input ${tensor('INPUT0', '4')}
input ${tensor('INPUT1', '4')}
output ${tensor('OUTPUT0', '4')}
output ${tensor('OUTPUT1', '4')}
${group}
`;
const addSub = `import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        responses = []
        for request in requests:
            a = pb_utils.get_input_tensor_by_name(request, "INPUT0").as_numpy()
            b = pb_utils.get_input_tensor_by_name(request, "INPUT1").as_numpy()
            outputs = [pb_utils.Tensor("OUTPUT0", a + b), pb_utils.Tensor("OUTPUT1", a - b)]
            responses.append(pb_utils.InferenceResponse(outputs))
        return responses
`;
const imageConfig = `backend: "python"
input ${tensor('X', '1, 3, 640, 640')}
output ${tensor('Y', '1, 3, 640, 640')}
${group}
`;
const image = `import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor("Y", request.inputs()[0].as_numpy())])
            for request in requests
        ]
`;

/** The built-in model that gives its input back. */
const nothingConfig = `backend: "identity"
input ${tensor('INPUT0', '1, 3, 640, 640')}
output ${tensor('OUTPUT0', '1, 3, 640, 640')}
${group}
`;

const cases: readonly Case[] = ['add_sub', 'image'].flatMap((model) =>
  (['http', 'grpc'] as const).flatMap((protocol) =>
    [1, 8].map((concurrency) => ({ model, protocol, concurrency })),
  ),
);

/** A case as it was measured once. */
interface CaseReport extends LoadReport {
  /** Of the server with all its processes, for an inference. */
  readonly cpuUs: number;
}

interface Contestant {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  readonly grpcPort: number;
  readonly loadSeconds: number[];
  /** By case. */
  readonly reports: Map<string, CaseReport[]>;
}

type Process = Pick<Contestant, 'pid' | 'port'> & { readonly grpcPort: number | null };

function contestant(name: string, { pid, port, grpcPort }: Process): Contestant {
  return { name, pid, port, grpcPort: grpcPort as number, loadSeconds: [], reports: new Map() };
}

interface Case {
  readonly model: string;
  readonly protocol: 'http' | 'grpc';
  readonly concurrency: number;
}

async function inferenceCount(port: number, model: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/v2/models/${model}/stats`);
  const { model_stats } = (await answer.json()) as { model_stats: { inference_count: number }[] };
  return model_stats[0]?.inference_count ?? 0;
}

async function measure(
  tool: PerfAnalyzer & { available: true },
  { pid, port, grpcPort, reports }: Contestant,
  each: Case,
): Promise<void> {
  const countBefore = await inferenceCount(port, each.model);
  const cpuBefore = treeCpuSeconds(pid);
  const at = each.protocol === 'http' ? port : grpcPort;
  const report = await runPerfAnalyzer(tool, { ...each, port: at, windowMs, folder });
  const cpuUs = (treeCpuSeconds(pid) - cpuBefore) * 1e6;
  const count = (await inferenceCount(port, each.model)) - countBefore;
  const name = `${each.model} ${each.protocol} x${each.concurrency}`;
  reports.set(name, [...(reports.get(name) ?? []), { ...report, cpuUs: cpuUs / count }]);
}

async function control(port: number, verb: 'load' | 'unload', model: string): Promise<void> {
  const url = `http://127.0.0.1:${port}/v2/repository/models/${model}/${verb}`;
  const answer = await fetch(url, { method: 'POST' });
  if (!answer.ok) throw new Error(`${verb} ${model}: ${await answer.text()}`);
}

/** Unloading is answered when it has begun. */
async function unload(port: number, model: string): Promise<void> {
  await control(port, 'unload', model);
  const index = `http://127.0.0.1:${port}/v2/repository/index`;
  for (;;) {
    const rows = await (await fetch(index, { method: 'POST' })).text();
    if (!rows.includes('UNLOADING')) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function measureLoads(contestants: readonly Contestant[]): Promise<void> {
  for (let round = 0; round < loads; round++) {
    for (const { port, loadSeconds } of contestants) {
      const start = performance.now();
      await control(port, 'load', 'add_sub');
      loadSeconds.push((performance.now() - start) / 1000);
      await unload(port, 'add_sub');
    }
  }
}

/** A server whose answers are wrong is not measured. */
async function checkAnswer({ name, port }: Contestant): Promise<void> {
  const inputs = ['INPUT0', 'INPUT1'].map((input) => ({
    name: input,
    datatype: 'FP32',
    shape: [4],
    data: [1, 2, 3, 4],
  }));
  const url = `http://127.0.0.1:${port}/v2/models/add_sub/infer`;
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ inputs }) });
  const text = await answer.text();
  if (!text.includes('"data":[2.0,4.0,6.0,8.0]')) throw new Error(`${name} answers ${text}`);
}

async function main(): Promise<void> {
  const peer = ensureTritonPeer();
  const tool = ensurePerfAnalyzer();
  if (!peer.available) return printSkipped(claim, peer.reason);
  if (!tool.available) return printSkipped(claim, tool.reason);
  const flags = [
    `--model-repository=${repositoryOf({
      'add_sub/config.pbtxt': addSubConfig,
      'add_sub/1/model.py': addSub,
      'image/config.pbtxt': imageConfig,
      'image/1/model.py': image,
    })}`,
    '--model-control-mode=explicit',
  ];
  const nothing = repositoryOf({ 'image/config.pbtxt': nothingConfig, 'image/1/.keep': '' });
  const servers = [
    await TritonProcess.start(peer, flags),
    await startServer(...flags, `--backend-config=python,python-runtime=${ensurePythonEnv()}`),
    await startServer(`--model-repository=${nothing}`),
  ] as const;
  const contestants = [
    contestant('tritonserver 2.51', servers[0]),
    contestant('nereid', servers[1]),
  ] as const;
  const limit = contestant('nereid, without a model to run', servers[2]);
  await measureLoads(contestants);
  for (const each of contestants) {
    await control(each.port, 'load', 'add_sub');
    await control(each.port, 'load', 'image');
    await checkAnswer(each);
  }
  for (let round = 0; round < rounds; round++) {
    for (const each of cases) {
      for (const contestant of contestants) await measure(tool, contestant, each);
      if (each.model === 'image') await measure(tool, limit, each);
    }
  }
  for (const server of servers) await server.stop();
  report(contestants, limit);
}

function report([reference, ours]: readonly [Contestant, Contestant], limit: Contestant): void {
  printTable(
    `Loading add_sub, ${loads} times in turn`,
    [{ title: 'seconds', digits: 2 }],
    [reference, ours].map(({ name, loadSeconds }) => ({ name, samples: [loadSeconds] })),
  );
  printVerdict(
    'loading to that of tritonserver',
    ratioOf(ours.loadSeconds, reference.loadSeconds),
    {
      atMost: 0.7,
    },
  );
  for (const [name, theirs] of reference.reports) {
    const own = ours.reports.get(name) ?? [];
    const rows = [reference, ours, limit].flatMap((contestant) => {
      const reports = contestant.reports.get(name);
      return reports === undefined ? [] : [{ name: contestant.name, samples: pick(reports) }];
    });
    printTable(
      name,
      [
        { title: 'p50, µs', digits: 0 },
        { title: 'inferences a second', digits: 0 },
        { title: 'CPU of the server, µs/inference', digits: 0 },
      ],
      rows,
    );
    const ratio = (value: (report: CaseReport) => number): ReturnType<typeof ratioOf> =>
      ratioOf(own.map(value), theirs.map(value));
    printVerdict(
      `${name}: p50 to that of tritonserver`,
      ratio(({ p50Us }) => p50Us),
      { atMost: 0.6 },
    );
    if (!name.endsWith('x8')) continue;
    printVerdict(
      `${name}: throughput to that of tritonserver`,
      ratio(({ perSecond }) => perSecond),
      { atLeast: 2 },
    );
  }
}

function pick(reports: readonly CaseReport[]): number[][] {
  return [
    reports.map(({ p50Us }) => p50Us),
    reports.map(({ perSecond }) => perSecond),
    reports.map(({ cpuUs }) => cpuUs),
  ];
}

await main();
