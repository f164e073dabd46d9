import { eventually, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  attributesOf,
  type CollectedSpan,
  Collector,
  collectorTool,
} from './open-telemetry-collector.ts';
import { pythonConfig, pythonModel, pythonRuntimeFlag } from './python-models.ts';
import { runPython } from './run-python.ts';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const int32 = (name: string): string => `{ name: "${name}" data_type: TYPE_INT32 dims: [ -1 ] }`;
const step = (model: string, input: [string, string], output: [string, string]): string =>
  `step { model_name: "${model}" model_version: -1
    input_map { key: "${input[0]}" value: "${input[1]}" }
    output_map { key: "${output[0]}" value: "${output[1]}" } }`;
const ensemble = (...steps: string[]): string =>
  `platform: "ensemble" input [ ${int32('IN')} ] output [ ${int32('OUT')} ]
  ensemble_scheduling { ${steps.join(' ')} }`;

/** Calls the ensemble `pair`, and answers with the id of the span that calls out of the server get. */
const caller = `context = json.loads(r.trace().get_context())
pb_utils.InferenceRequest(model_name="pair", requested_output_names=["OUT"],
    inputs=[pb_utils.Tensor("IN", x)], trace=r.trace()).exec()
y = np.frombuffer(bytes.fromhex(context["traceparent"].split("-")[2]), dtype=np.int32)`;

const traceIds = {
  http: '0af7651916cd43dd8448eb211c80319c',
  grpc: '1bf7651916cd43dd8448eb211c80319c',
} as const;
const clientSpanId = 'b7ad6b7169203331';

const reason = collectorTool.available ? '' : ` (skipped: ${collectorTool.reason})`;

describe.skipIf(!collectorTool.available)(`OpenTelemetry's collector gets${reason}`, () => {
  let repository: TemporaryRepository;
  let collector: Collector;
  let server: ServerProcess;
  /** What the caller's model says its span is, by protocol. */
  const told = new Map<string, string>();

  beforeAll(async () => {
    collector = await Collector.start();
    repository = temporaryRepository({
      'one/config.pbtxt': identityConfig('INT32'),
      'one/1/': '',
      'two/config.pbtxt': identityConfig('INT32'),
      'two/1/': '',
      'pair/config.pbtxt': ensemble(
        step('one', ['INPUT0', 'IN'], ['OUTPUT0', 'mid']),
        step('two', ['INPUT0', 'mid'], ['OUTPUT0', 'OUT']),
      ),
      'pair/1/': '',
      'caller/config.pbtxt': pythonConfig(),
      'caller/1/model.py': pythonModel(caller),
      'whole/config.pbtxt': ensemble(step('caller', ['X', 'IN'], ['Y', 'OUT'])),
      'whole/1/': '',
    });
    server = await ServerProcess.start({
      flags: [
        `--model-repository=${repository.path}`,
        '--trace-config=mode=opentelemetry',
        `--trace-config=opentelemetry,url=http://127.0.0.1:${collector.port}/v1/traces`,
        '--trace-config=opentelemetry,resource=test.key=test.value',
        '--trace-config=opentelemetry,resource=service.name=test_triton',
        '--trace-config=opentelemetry,bsp_schedule_delay=50',
        '--trace-config=level=TIMESTAMPS',
        '--trace-config=rate=0',
        pythonRuntimeFlag(),
      ],
      env: { OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test' },
    });
    for (const protocol of ['http', 'grpc'] as const) {
      const port = protocol === 'http' ? server.port : server.grpcPort;
      const traceparent = `00-${traceIds[protocol]}-${clientSpanId}-01`;
      const end = await runPython('send_traced.py', [
        ...[`127.0.0.1:${port}`, protocol, 'whole', 'IN', 'OUT', traceparent, 'a=b'],
      ]);
      if (end.status !== 0) throw new Error(end.output);
      const bytes = Buffer.from(new Int32Array(JSON.parse(end.output)).buffer);
      told.set(protocol, bytes.toString('hex'));
    }
    await eventually(() => spansOf('http').length >= 9 && spansOf('grpc').length >= 9);
  });

  afterAll(async () => {
    await server?.stop();
    await collector?.stop();
    repository?.remove();
  });

  const spansOf = (protocol: keyof typeof traceIds): readonly CollectedSpan[] =>
    collector.spans.filter(({ traceId }) => traceId === traceIds[protocol]);

  const named = (protocol: keyof typeof traceIds, name: string): CollectedSpan => {
    const span = spansOf(protocol).find((candidate) => candidate.name === name);
    if (span === undefined) throw new Error(`no span '${name}' was collected`);
    return span;
  };

  /** Names below a span, each with those below it. */
  const tree = (spans: readonly CollectedSpan[], parent: string): unknown[] =>
    spans
      .filter(({ parentSpanId }) => parentSpanId === parent)
      .sort((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)))
      .map(({ name, spanId }) => [name, ...tree(spans, spanId)]);

  it.each(['http', 'grpc'] as const)(
    'a request over %s below its client, with the steps of ensembles and what Python models call',
    (protocol) => {
      expect(tree(spansOf(protocol), clientSpanId)).toEqual([
        [
          'InferRequest',
          ['whole', ['caller', ['compute'], ['pair', ['one', ['compute']], ['two', ['compute']]]]],
        ],
      ]);
      expect(spansOf(protocol)).toHaveLength(9);
      expect(named(protocol, 'InferRequest').traceState).toBe('a=b');
      expect(told.get(protocol)).toBe(named(protocol, 'caller').spanId);
    },
  );

  it('the attributes that Triton gives to spans', () => {
    const spans = ['whole', 'caller', 'pair', 'one', 'two'].map((name) =>
      attributesOf(named('http', name).attributes),
    );
    expect(spans.map((attributes) => attributes['triton.model_name'])).toEqual([
      'whole',
      'caller',
      'pair',
      'one',
      'two',
    ]);
    const id = (at: number): string | number | undefined => spans[at]?.['triton.trace_id'];
    expect(spans.map((attributes) => attributes['triton.trace_parent_id'])).toEqual([
      0,
      id(0),
      id(1),
      id(2),
      id(2),
    ]);
    expect(new Set(spans.map((attributes) => attributes['triton.trace_id'])).size).toBe(5);
    expect(spans[0]).toMatchObject({
      'triton.model_version': 1,
      'triton.request_id': 'from outside',
    });
  });

  it.each([
    ['http', 'HTTP_RECV_START', 'HTTP_SEND_END'],
    ['grpc', 'GRPC_WAITREAD_START', 'GRPC_SEND_END'],
  ] as const)(
    'the times of a request over %s, in their order and within their spans',
    (protocol, first, last) => {
      const names = (span: string): (string | undefined)[] =>
        (named(protocol, span).events ?? []).map(({ name }) => name);
      expect([names('InferRequest')[0], names('InferRequest').at(-1)]).toEqual([first, last]);
      for (const model of ['whole', 'caller', 'pair', 'one', 'two']) {
        expect(names(model)).toEqual(['REQUEST_START', 'QUEUE_START', 'REQUEST_END']);
      }
      const byId = new Map(spansOf(protocol).map((span) => [span.spanId, span]));
      for (const span of spansOf(protocol)) {
        const [start, end] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)];
        expect(end >= start, span.name).toBe(true);
        // SPAN_KIND_SERVER
        expect(span.kind).toBe(2);
        const above = byId.get(span.parentSpanId ?? '');
        if (above === undefined) continue;
        expect(BigInt(above.startTimeUnixNano) <= start, span.name).toBe(true);
        expect(BigInt(above.endTimeUnixNano) >= end, span.name).toBe(true);
      }
    },
  );

  it('the parts of what is executed, when asked for', async () => {
    const other = await ServerProcess.start({
      flags: [
        `--model-repository=${repository.path}`,
        '--trace-config=mode=opentelemetry',
        `--trace-config=opentelemetry,url=http://127.0.0.1:${collector.port}/v1/traces`,
        '--trace-config=opentelemetry,phases=true',
        '--trace-config=level=TIMESTAMPS',
        '--trace-config=rate=0',
        pythonRuntimeFlag(),
      ],
    });
    const traceId = '2cf7651916cd43dd8448eb211c80319c';
    const inputs = [{ name: 'IN', datatype: 'INT32', shape: [2], data: [1, 2] }];
    const answer = await fetch(`${other.url}/v2/models/whole/infer`, {
      method: 'POST',
      headers: { traceparent: `00-${traceId}-${clientSpanId}-01` },
      body: JSON.stringify({ inputs }),
    });
    expect(answer.status).toBe(200);
    await other.stop();
    const collected = () => collector.spans.filter((span) => span.traceId === traceId);
    // The collector hands on what it has taken by a pipe.
    await expect.poll(() => collected().length).toBeGreaterThanOrEqual(9 + 3 * 4);
    const spans = collected();
    const compute = ['compute', ['compute_infer'], ['compute_input'], ['compute_output']];
    const sorted = (parts: unknown[]): unknown[] =>
      parts
        .map((part) => (Array.isArray(part) ? sorted(part) : part))
        .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    const executed = (name: string, ...more: unknown[]) => [name, ...more, compute, ['queue']];
    const expected = [
      'InferRequest',
      ['whole', executed('caller', ['pair', executed('one'), executed('two')])],
    ];
    expect(sorted(tree(spans, clientSpanId))).toEqual(sorted([expected]));
    expect(spans).toHaveLength(9 + 3 * 4);
    const byName = (name: string, parent: string): CollectedSpan | undefined =>
      spans.find((span) => span.name === name && span.parentSpanId === parent);
    const one = spans.find(({ name }) => name === 'one')?.spanId ?? '';
    const executedSpan = byName('compute', one);
    expect(byName('queue', one)?.endTimeUnixNano).toBe(executedSpan?.startTimeUnixNano);
    const parts = ['compute_input', 'compute_infer', 'compute_output'].map((name) =>
      byName(name, executedSpan?.spanId ?? ''),
    );
    expect(parts.map((span) => span?.startTimeUnixNano)).toEqual([
      executedSpan?.startTimeUnixNano,
      parts[0]?.endTimeUnixNano,
      parts[1]?.endTimeUnixNano,
    ]);
    expect(parts[2]?.endTimeUnixNano).toBe(executedSpan?.endTimeUnixNano);
  });

  it('whose spans they are', () => {
    const resources = collector.resources.filter((resource) => 'test.key' in resource);
    expect(resources.length).toBeGreaterThan(0);
    for (const resource of resources) {
      expect(resource).toMatchObject({
        'service.name': 'test_triton',
        'test.key': 'test.value',
        'deployment.environment': 'test',
      });
    }
  });
});
