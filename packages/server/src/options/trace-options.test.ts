import { describe, expect, it } from 'vitest';
import { parseOptions } from './parse-options.ts';
import type { TraceOptions } from './server-options.ts';

function trace(flags: readonly string[], env = {}): TraceOptions & { warnings: readonly string[] } {
  const parsed = parseOptions(['--model-repository=/models', ...flags], env);
  if (parsed.kind !== 'run') throw new Error(parsed.kind === 'error' ? parsed.message : 'help');
  return { ...parsed.options.trace, warnings: parsed.options.warnings };
}

const config = (...settings: string[]): string[] =>
  settings.map((text) => `--trace-config=${text}`);

describe('--trace-config', () => {
  it('says what is traced and where it goes', () => {
    expect(
      trace(
        config(
          'level=timestamps',
          'level=TENSORS',
          'rate=5',
          'count=7',
          'triton,file=/tmp/a=b,c.json',
          'TRITON,log-frequency=3',
          'triton,other=x',
        ),
      ),
    ).toEqual({
      timestamps: true,
      tensors: true,
      mode: 'triton',
      rate: 5,
      count: 7,
      file: '/tmp/a=b,c.json',
      logFrequency: 3,
      modeSettings: [['other', 'x']],
      warnings: [],
    });
  });

  it('is off where any level says so, and takes old names of levels', () => {
    expect(trace(config('level=OFF', 'level=TENSORS'))).toMatchObject({ tensors: false });
    expect(trace(config('level=max'))).toMatchObject({ timestamps: true, tensors: false });
  });

  it('keeps 32 bits of numbers, as Triton does', () => {
    expect(trace(config('rate=-1', 'count=-5'))).toMatchObject({ rate: 4_294_967_295, count: -5 });
  });

  it('takes the place of its deprecated spellings', () => {
    const old = [
      '--trace-file=/tmp/t',
      '--trace-level=TENSORS',
      '--trace-rate=2',
      '--trace-count=3',
    ];
    expect(trace([...old, '--trace-log-frequency=4'])).toMatchObject({
      timestamps: false,
      tensors: true,
      rate: 2,
      count: 3,
      file: '/tmp/t',
      logFrequency: 4,
    });
    const both = trace([...old, ...config('rate=9', 'level=TIMESTAMPS')]);
    expect(both).toMatchObject({ timestamps: true, tensors: true, rate: 9, count: 3 });
    expect(both.warnings).toContain(
      "Overriding deprecated '--trace-rate' in favor of the value in --trace-config!",
    );
  });

  it('has settings of OpenTelemetry, with defaults from the environment', () => {
    const options = trace(
      config(
        'mode=opentelemetry',
        'opentelemetry,url=http://c:4318/v1/traces',
        'opentelemetry,resource=service.name=a=b',
        'opentelemetry,bsp_schedule_delay=10',
        'triton,log-frequency=x',
      ),
      { OTEL_BSP_MAX_QUEUE_SIZE: '99' },
    );
    expect(options.mode).toBe('opentelemetry');
    expect(options.modeSettings).toEqual([
      ['url', 'http://c:4318/v1/traces'],
      ['resource', 'service.name=a=b'],
      ['bsp_schedule_delay', '10'],
      ['bsp_max_queue_size', '99'],
      ['bsp_max_export_batch_size', '512'],
    ]);
  });

  it.each([
    [['level=ALL'], 'invalid value for trace level option: ALL'],
    [['mode=jaeger'], 'invalid value for trace mode option: jaeger'],
    [['rate=often'], 'Bad option: "--trace-config rate". Invalid option value. Got often'],
    [['rate=4294967296'], 'out of bound'],
    [['count=99999999999999999999'], 'out of bound'],
    [['triton,log-frequency=x'], 'Bad option: "--trace-config triton,log-frequency"'],
    [['mode=opentelemetry', 'opentelemetry,bsp_max_queue_size=-1'], 'out of bound'],
    [[',file=x'], 'No trace mode specified'],
    [['triton,file='], 'option format'],
    [['rate'], 'option format'],
  ])('refuses %j', (settings, message) => {
    expect(() => trace(config(...settings))).toThrow(message);
  });

  it('refuses what the environment says of OpenTelemetry wrongly', () => {
    const env = { OTEL_BSP_SCHEDULE_DELAY: 'soon' };
    expect(() => trace(config('mode=opentelemetry'), env)).toThrow('OTEL_BSP_SCHEDULE_DELAY');
    expect(trace([], env).mode).toBe('triton');
  });
});
