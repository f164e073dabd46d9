import { type OptionSpec, rowsOf } from '../option-spec.ts';
import { int32, oneOf } from '../option-value.ts';

const global = rowsOf('');
const server = rowsOf('Server');
const logging = rowsOf('Logging');

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
    'How a line begins: "default" is LMMDD hh:mm:ss.ssssss, "ISO8601" is YYYY-MM-DDThh:mm:ssZ L, in UTC.',
    { check: oneOf('log-format', ['default', 'ISO8601'], true) },
  ),
  logging(
    'log-file',
    'text',
    '',
    'Append the log to this file instead of writing it to the console.',
  ),
];
