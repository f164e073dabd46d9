import { type OptionSpec, rowsOf } from '../option-spec.ts';
import { int32 } from '../option-value.ts';
import { readableBy } from '../setting-format.ts';
import { parseTraceSetting } from '../trace-options.ts';

const tracing = rowsOf('Tracing');

/** What single requests did, and when. */
export const tracingRows: readonly OptionSpec[] = [
  tracing(
    'trace-config',
    'text',
    null,
    'A setting of request tracing: level (OFF, TIMESTAMPS, TENSORS; repeatable), rate (1000), count (-1) and mode (triton), or of one mode: triton,file=<path>, triton,log-frequency=<n>, opentelemetry,url=<url>, opentelemetry,resource=<key>=<value>, opentelemetry,phases=<bool>, opentelemetry,bsp_max_queue_size=<n>, …',
    {
      argument: 'string>,<string>=<string',
      repeatable: true,
      check: readableBy(parseTraceSetting),
    },
  ),
];

/** Rows of the deprecated spelling of `--trace-config`. */
export const deprecatedTraceRows: readonly OptionSpec[] = (
  [
    ['trace-file', 'text', 'triton,file=<path>', 'File for traces.'],
    ['trace-level', 'text', 'level=<OFF|TIMESTAMPS|TENSORS>', 'What is traced.'],
    ['trace-rate', 'integer', 'rate=<n>', 'One request in so many is traced.'],
    ['trace-count', 'integer', 'count=<n>', 'How many requests are traced; -1 for any number.'],
    ['trace-log-frequency', 'integer', 'triton,log-frequency=<n>', 'Traces a file.'],
  ] as const
).map(([flag, kind, setting, description]) =>
  rowsOf('DEPRECATED')(flag, kind, null, description, {
    deprecated: `use --trace-config ${setting}`,
    repeatable: flag === 'trace-level',
    check: kind === 'integer' ? int32 : null,
  }),
);
