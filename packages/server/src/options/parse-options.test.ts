import { describe, expect, test } from 'vitest';
import { optionGroups } from './option-spec.ts';
import { optionTable } from './option-table.ts';
import { parseOptions } from './parse-options.ts';
import type { ServerOptions } from './server-options.ts';
import { unbuiltOptionsInUse } from './unbuilt-options.ts';
import { usageText } from './usage.ts';

const repository = '--model-repository=/models';

function run(argv: readonly string[], env: Record<string, string> = {}): ServerOptions {
  const parsed = parseOptions([repository, ...argv], env);
  if (parsed.kind !== 'run') throw new Error(`${parsed.kind}: ${JSON.stringify(parsed)}`);
  return parsed.options;
}

function problem(argv: readonly string[], env: Record<string, string> = {}): string {
  const parsed = parseOptions(argv, env);
  return parsed.kind === 'error' ? parsed.message : `no error but ${parsed.kind}`;
}

/** A problem beside a repository that is given. */
function wrong(...argv: string[]): string {
  return problem([repository, ...argv]);
}

describe('parseOptions', () => {
  test('fills in Triton’s defaults', () => {
    const { given, ...options } = run([]);
    expect([...given]).toEqual([['model-repository', ['/models']]]);
    expect(options).toEqual({
      serverId: 'triton',
      exitTimeoutSecs: 30,
      modelRepository: {
        paths: ['/models'],
        exitOnError: true,
        autoCompleteConfig: true,
        strictReadiness: true,
        controlMode: 'none',
        pollSecs: 0,
        startupModels: [],
        startupModelsAll: false,
        modelConfigName: '',
        loadThreadCount: 4,
        loadRetryCount: 0,
        namespacing: false,
        idleUnloadSecs: 0,
        memoryLimitBytes: 0,
        delaySchedulerRequests: 0,
        delayBacklogRequests: 0,
      },
      backend: {
        directory: '/opt/tritonserver/backends',
        config: new Map(),
        cpuFallback: false,
        minComputeCapability: 6,
        hostPolicies: new Map(),
      },
      rateLimits: null,
      cache: {
        settings: new Map(),
        directory: '/opt/tritonserver/caches',
        redisUser: null,
        redisPassword: null,
      },
      http: {
        allow: true,
        address: '0.0.0.0',
        port: 8000,
        reusePort: false,
        bodyBytesMax: 67_108_864,
        connectionsMax: 16_384,
        headerTimeoutMs: 10_000,
        bodyTimeoutMs: 30_000,
        idleTimeoutMs: 120_000,
        headerForwardPattern: '',
        restrictions: [],
        openAi: { defaultMaxTokens: 16 },
        corsOrigins: new Set(),
      },
      grpc: {
        allow: true,
        address: '0.0.0.0',
        port: 8001,
        reusePort: false,
        inferCompressionLevel: 'none',
        tls: null,
        keepalive: {
          timeMs: 7_200_000,
          timeoutMs: 20_000,
          permitWithoutCalls: false,
          pingsWithoutDataMax: 2,
          receivedPingIntervalMinMs: 300_000,
          pingStrikesMax: 2,
          connectionAgeMaxMs: null,
          connectionAgeGraceMs: null,
        },
        headerForwardPattern: '',
        restrictions: [],
      },
      metrics: {
        allow: true,
        address: '0.0.0.0',
        port: 8002,
        cpu: true,
        gpu: true,
        intervalMs: 2000,
        counterLatencies: true,
        latencies: {
          histograms: false,
          summaries: false,
          quantiles: [0.5, 0.9, 0.95, 0.99, 0.999],
        },
      },
      log: {
        info: true,
        warning: true,
        error: true,
        verboseLevel: 0,
        format: 'default',
        file: '',
        escapeMessages: true,
        accessSlowMs: null,
      },
      allowClientSharedMemory: false,
      trace: {
        timestamps: false,
        tensors: false,
        mode: 'triton',
        rate: 1000,
        count: -1,
        file: '',
        logFrequency: 0,
        modeSettings: [],
      },
      warnings: [],
    });
  });

  test('reads a value after an equals sign, after a space, and after an unambiguous beginning', () => {
    expect(run(['--http-port=1']).http.port).toBe(1);
    expect(run(['--http-port', '2']).http.port).toBe(2);
    expect(run(['--http-p', '3']).http.port).toBe(3);
    expect(run(['--http-port=4', '--http-port=5']).http.port).toBe(5);
    expect(run(['--id=a=b c']).serverId).toBe('a=b c');
    expect(run(['--id', '--odd']).serverId).toBe('--odd');
  });

  test.each([
    ['true', true],
    ['ON', true],
    ['1', true],
    ['False', false],
    ['off', false],
    ['0', false],
  ])('reads the boolean %s', (text, value) => {
    expect(run([`--allow-http=${text}`]).http.allow).toBe(value);
  });

  test.each([
    ['3', 3],
    ['true', 1],
    ['FALSE', 0],
    ['-2', 0],
  ])('reads --log-verbose=%s', (text, level) => {
    expect(run([`--log-verbose=${text}`]).log.verboseLevel).toBe(level);
  });

  test('takes several repositories, under both names, each once', () => {
    const { paths } = run(['--model-store', 'b', '--model-repository=/models']).modelRepository;
    expect(paths).toEqual(['/models', 'b']);
  });

  test('gathers backend settings, the last value of each', () => {
    const { config } = run([
      '--backend-config=onnxruntime,a=1',
      '--backend-config=default-max-batch-size=8',
      '--backend-config=onnxruntime,a=2=3',
    ]).backend;
    expect(config.get('onnxruntime')).toEqual(new Map([['a', '2=3']]));
    expect(config.get('')).toEqual(new Map([['default-max-batch-size', '8']]));
  });

  test('knows the control modes', () => {
    expect(run(['--model-control-mode=POLL']).modelRepository).toMatchObject({
      controlMode: 'poll',
      pollSecs: 15,
    });
    const explicit = ['--model-control-mode', 'explicit'];
    expect(
      run([...explicit, '--load-model=a', '--load-model=b', '--load-model=a']).modelRepository,
    ).toMatchObject({ startupModels: ['a', 'b'], startupModelsAll: false, pollSecs: 0 });
    expect(run([...explicit, '--load-model=*']).modelRepository).toMatchObject({
      startupModels: [],
      startupModelsAll: true,
    });
  });

  test('maps deprecated flags and says so', () => {
    const old = run(['--strict-model-config=true', '--trace-rate=5']);
    expect(old.modelRepository.autoCompleteConfig).toBe(false);
    expect(old.warnings).toEqual([
      "'--strict-model-config' has been deprecated! Please use '--disable-auto-complete-config' instead.",
      "'--trace-rate' has been deprecated: use --trace-config rate=<n>",
    ]);
    const both = run(['--strict-model-config=false', '--disable-auto-complete-config']);
    expect(both.modelRepository.autoCompleteConfig).toBe(false);
    expect(both.warnings[1]).toContain('Overriding');
    expect(run(['--strict-model-config=off']).modelRepository.autoCompleteConfig).toBe(true);
  });

  test('lets metrics follow the HTTP address and the switch of all metrics', () => {
    expect(run(['--http-address=::1']).metrics.address).toBe('::1');
    expect(run(['--http-address=::1', '--metrics-address=::']).metrics.address).toBe('::');
    expect(run(['--allow-metrics=false']).metrics).toMatchObject({ allow: false, cpu: false });
    expect(run(['--metrics-config=counter_latencies=false']).metrics.counterLatencies).toBe(false);
    const kept = (...flags: string[]): unknown => run(flags).metrics.latencies;
    expect(
      kept(
        '--metrics-config=histogram_latencies=true',
        '--metrics-config=summary_latencies=true',
        '--metrics-config=summary_quantiles=0.25:0.1,x,0.5:y, 0.75:0.01 ,2:0',
      ),
    ).toEqual({ histograms: true, summaries: true, quantiles: [0.25, 0.75] });
    expect(
      kept('--metrics-config=histogram_latencies=TRUE', '--metrics-config=summary_quantiles=x'),
    ).toEqual({ histograms: false, summaries: false, quantiles: [0.5, 0.9, 0.95, 0.99, 0.999] });
    expect(
      kept('--allow-metrics=false', '--metrics-config=histogram_latencies=true'),
    ).toMatchObject({ histograms: false });
    expect(run(['--metrics-interval-ms=1.5']).metrics.intervalMs).toBe(1.5);
  });

  test('looks at the environment', () => {
    const env = { TRITON_SERVER_ESCAPE_LOG_MESSAGES: '0' };
    expect(run([], env).log.escapeMessages).toBe(false);
    const hosted = parseOptions([], { AIP_STORAGE_URI: '/mnt/model' });
    expect(hosted).toMatchObject({ options: { modelRepository: { paths: ['/mnt/model'] } } });
    expect(problem([], { AIP_STORAGE_URI: 'gs://x' })).toContain('AIP_STORAGE_URI');
  });

  test('answers --help beside whatever else is given, before it', () => {
    expect(parseOptions(['--help', '--nonsense'], {})).toEqual({ kind: 'help', text: usageText() });
  });
});

describe('a bad command line', () => {
  test.each([
    [[], '--model-repository must be specified'],
    [['--model-repository=s3://bucket/x'], '(s3://) are not supported yet'],
    [['--model-repository='], 'cannot be empty'],
    [['x'], 'Unexpected argument: x'],
    [['-h'], 'Unexpected argument: -h'],
    [['--'], 'Unexpected argument: --'],
    [['--model-repository'], "option '--model-repository' requires an argument"],
    [['--help=1'], "option '--help' doesn't allow an argument"],
    [['--htp-port=1'], "unrecognized option '--htp-port'. Did you mean --http-port?"],
    [['--model-repositry', 'x'], 'Did you mean --model-repository?'],
    [['--xyzzy'], 'See --help'],
    [['--=x'], 'unrecognized option'],
    [['--__proto__=1'], 'unrecognized option'],
    [['--grpc-max-connection'], 'is ambiguous'],
  ])('%j is refused', (argv, text) => {
    expect(problem(argv)).toContain(text);
  });

  test.each([
    ['--exit-on-error=yes', 'invalid value for bool option: yes'],
    ['--http-port=80x', 'Bad option: "--http-port". Invalid option value. Got 80x'],
    ['--http-port=65536', 'out of bound'],
    ['--http-port=-1', 'out of bound'],
    ['--exit-timeout-secs=99999999999', 'out of bound'],
    ['--log-verbose=maybe', 'Invalid option value. Got maybe'],
    ['--log-format=iso8601', 'invalid argument for --log-format'],
    ['--model-control-mode=auto', 'invalid argument for --model-control-mode'],
    ['--model-config-name=', 'empty argument for --model-config-name'],
    ['--http-max-input-size=0', '--http-max-input-size must be greater than 0'],
    ['--http-max-input-size=1e9', 'Invalid option value'],
    ['--metrics-interval-ms=0', 'must be greater than 0'],
    ['--metrics-interval-ms=NaN', 'Invalid option value'],
    ['--metrics-config=x', '--metrics-config option format is <setting>=<value>. Got x'],
    ['--backend-config=a', 'option format'],
    ['--backend-config=,a=b', 'No backend specified'],
    ['--backend-config=a,b=', 'option format'],
    ['--cache-config=size=1', 'No cache specified'],
    ['--trace-config=jaeger,a=b', 'invalid value for trace mode option: jaeger'],
    ['--rate-limit=on', 'invalid argument for --rate-limit'],
    ['--rate-limit-resource=R', '--rate-limit-resource option format'],
    ['--rate-limit-resource=R:x', 'Invalid option value. Got x'],
    ['--cuda-memory-pool-byte-size=0', 'Cannot parse pair option'],
    ['--model-load-gpu-limit=0:x', 'Invalid option value. Got x'],
    ['--host-policy=a=b', 'No policy specified'],
    ['--grpc-infer-thread-count=1', 'out of bound'],
    ['--http-restricted-api=nothing:a=b', "unknown restricted api 'nothing'"],
    ['--http-cors-origin=example.com', 'Got example.com'],
    ['--http-cors-origin=https://example.com/', 'without anything after'],
    ['--http-cors-origin=null', 'Got null'],
    ['--http-restricted-api=health', 'option format'],
    ['--http-header-forward-pattern=(', '--http-header-forward-pattern is no pattern'],
    ['--grpc-header-forward-pattern=(?=a)', 'invalid group: (?='],
    ['--load-model=x', "requires setting '--model-control-mode=explicit'"],
  ])('%s is refused', (flag, text) => {
    const message = wrong(flag);
    expect(message).toContain(text);
    expect(message.split('\n')).toHaveLength(1);
  });

  test('names both listeners of a port', () => {
    expect(wrong('--http-port=8002')).toBe(
      'The server cannot listen to HTTP requests and metrics requests at the same address and port 0.0.0.0:8002',
    );
    expect(wrong('--grpc-port=8000')).toContain('HTTP requests and GRPC requests');
    expect(run(['--http-port=8002', '--metrics-address=127.0.0.1']).http.port).toBe(8002);
    expect(run(['--http-port=8001', '--allow-grpc=false']).http.port).toBe(8001);
    expect(run(['--http-port=0', '--metrics-port=0', '--grpc-port=0']).http.port).toBe(0);
  });

  test('checks what flags say about each other', () => {
    const explicit = '--model-control-mode=explicit';
    expect(wrong(explicit, '--load-model=*', '--load-model=a')).toContain('must be the ONLY');
    expect(wrong('--response-cache-byte-size=1', '--cache-config=local,size=1')).toContain(
      'Incompatible flags',
    );
    const restricted = '--http-restricted-api=health';
    expect(wrong(`${restricted}:a=b`, `${restricted}:c=d`)).toContain('multiple config groups');
  });

  test('takes origins of pages', () => {
    const origins = ['--http-cors-origin=https://a.example:8443', '--http-cors-origin=*'];
    expect(run(origins).http.corsOrigins).toEqual(new Set(['https://a.example:8443', '*']));
  });

  test('takes restrictions apart', () => {
    const { http, grpc } = run([
      '--http-restricted-api=health,trace:key=a=b',
      '--http-restricted-api=logging:other=secret two',
      '--grpc-restricted-protocol=health:key=x',
    ]);
    expect(http.restrictions).toEqual([
      { categories: ['health', 'trace'], key: 'key', value: 'a=b' },
      { categories: ['logging'], key: 'other', value: 'secret two' },
    ]);
    expect(grpc.restrictions).toEqual([{ categories: ['health'], key: 'key', value: 'x' }]);
  });

  test('shows no control characters and no endless arguments', () => {
    const message = wrong(`--\u001b[31m${'x'.repeat(100_000)}`);
    expect(message.length).toBeLessThan(1200);
    expect(message).not.toMatch(/\p{Cc}/u);
    expect(wrong('--exit-on-error=\r\n')).not.toMatch(/\p{Cc}/u);
  });
});

describe('unbuiltOptionsInUse', () => {
  test('names each flag that has no effect, once, with why', () => {
    const options = run(['--grpc-infer-thread-count=9', '--http-thread-count=2', '--id=x']);
    expect(unbuiltOptionsInUse(options)).toEqual([
      '--grpc-infer-thread-count has no effect: one event loop serves all calls, so the number has no effect',
      '--http-thread-count has no effect: one event loop serves all connections, so the number has no effect',
    ]);
  });

  test('warns of settings of the metrics that are none', () => {
    const { warnings } = run([
      '--metrics-config=latencies=true',
      '--metrics-config=summary_quantiles=1',
    ]);
    expect(warnings).toEqual([
      expect.stringContaining('--metrics-config=latencies is not known and has no effect.'),
      "Invalid option: [1]. No ':' delimiter found. Expected format is <quantile>:<error>",
    ]);
  });

  test('is silent about flags that ask for nothing', () => {
    const options = run([
      '--allow-grpc=OFF',
      '--allow-client-shm=0',
      '--rate-limit=off',
      '--enable-peer-access=on',
      '--trace-config=level=OFF',
      '--metrics-config=counter_latencies=false',
      '--metrics-config=summary_latencies=false',
    ]);
    expect(unbuiltOptionsInUse(options)).toEqual([]);
  });
});

describe('the option table', () => {
  test('has each flag once, each default readable, each accepted flag explained', () => {
    expect(new Set(optionTable.map(({ flag }) => flag)).size).toBe(optionTable.length);
    for (const spec of optionTable) {
      if (spec.honoured === 'accepted') expect(spec.note, spec.flag).not.toBeNull();
      if (spec.aliasOf !== null) {
        expect(optionTable.map(({ flag }) => flag)).toContain(spec.aliasOf);
      }
      if (spec.defaultText === null) continue;
      const { kind } = parseOptions([repository, `--${spec.flag}=${spec.defaultText}`], {});
      expect(kind, spec.flag).toBe('run');
    }
  });

  test('is all in the usage text, under every heading', () => {
    const usage = usageText();
    for (const { flag } of optionTable)
      expect(usage).toMatch(new RegExp(`^ {2}--${flag}( |$)`, 'm'));
    for (const group of optionGroups) expect(usage).toContain(group);
    expect(Math.max(...usage.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});
