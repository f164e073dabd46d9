import { type OptionSpec, rowsOf } from '../option-spec.ts';
import { int32, oneOf, parseNumber } from '../option-value.ts';

const global = rowsOf('');
const server = rowsOf('Server');
const logging = rowsOf('Logging');
const ours = rowsOf('Nereid');

/** How to get help, the server as a whole, and its log. */
export const serverRows: readonly OptionSpec[] = [
  global('help', 'switch', null, 'Print this text.'),
  server('id', 'text', 'triton', 'Name of the server in its metadata.'),
  server(
    'exit-timeout-secs',
    'integer',
    '30',
    'Seconds that inferences in flight get to finish when the server is asked to stop; then it stops all the same.',
    { check: int32 },
  ),
  logging(
    'log-verbose',
    'integerOrBoolean',
    '0',
    'Level of verbose messages: 0 writes none, 1 and above those up to that level, true is 1.',
  ),
  logging('log-info', 'boolean', 'true', 'Write messages of level info.'),
  logging('log-warning', 'boolean', 'true', 'Write messages of level warning.'),
  logging('log-error', 'boolean', 'true', 'Write messages of level error.'),
  logging(
    'log-format',
    'text',
    'default',
    'How a line begins: "default" is LMMDD hh:mm:ss.ssssss, "ISO8601" is YYYY-MM-DDThh:mm:ssZ L, in UTC; "json" makes each line a JSON object.',
    {
      check: oneOf('log-format', ['default', 'ISO8601', 'json'], true),
      note: 'json is not Triton’s',
    },
  ),
  logging(
    'log-file',
    'text',
    '',
    'Append the log to this file instead of writing it to the console.',
    { note: 'opened anew on SIGHUP and on SIGUSR1, for whoever moves it away' },
  ),
  ours(
    'access-log',
    'boolean',
    'false',
    'Write a line to the log for each inference request that fails or is slow: model, id, times, reason.',
  ),
  ours(
    'access-log-slow-ms',
    'number',
    '1000',
    'Milliseconds from which a request is slow for --access-log; 0 writes a line for each.',
    {
      check: (value) =>
        parseNumber(value) >= 0 ? null : 'Error: --access-log-slow-ms must not be negative.',
    },
  ),
];
