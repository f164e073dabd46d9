import { type OptionSpec, rowsOf } from '../option-spec.ts';
import { between, int32, parseInteger, port } from '../option-value.ts';
import {
  headerPattern,
  parseRestriction,
  readableBy,
  restrictedCategories,
  webOrigin,
} from '../setting-format.ts';

const http = rowsOf('HTTP');
const ours = rowsOf('Nereid');

/** The HTTP front end, and its limits that Triton has no flag for. */
export const httpRows: readonly OptionSpec[] = [
  http('allow-http', 'boolean', 'true', 'Listen for HTTP requests.'),
  http('http-address', 'text', '0.0.0.0', 'Address to listen on for HTTP requests.'),
  http('http-port', 'integer', '8000', 'Port to listen on for HTTP requests; 0 takes a free one.', {
    check: port,
  }),
  http(
    'reuse-http-port',
    'boolean',
    'false',
    'Share the HTTP port with other servers that have this flag on; all of them must serve the same models.',
  ),
  http(
    'http-header-forward-pattern',
    'text',
    '',
    'Regular expression for the names of the HTTP headers that are handed to the model as request parameters.',
    {
      check: headerPattern('http-header-forward-pattern'),
      note: 'RE2 syntax without Unicode classes; any part of a name may match, in upper or lower case',
    },
  ),
  http('http-thread-count', 'integer', '8', 'Number of threads for HTTP requests.', {
    check: int32,
    honoured: 'accepted',
    note: 'one event loop serves all connections, so the number has no effect',
  }),
  http(
    'http-max-input-size',
    'integer',
    '67108864',
    'Largest request body in bytes, as received and also after decompression.',
    {
      check: (value) =>
        parseInteger(value) > 0 ? null : 'Error: --http-max-input-size must be greater than 0.',
    },
  ),
  http(
    'http-restricted-api',
    'text',
    null,
    `Ask for a header with a certain value on some endpoints: <api>[,<api>…]:<header>=<value>. The APIs are ${restrictedCategories.join(', ')}.`,
    {
      argument: 'string>:<string>=<string',
      repeatable: true,
      check: readableBy((text) => parseRestriction('http-restricted-api', 'api', text)),
    },
  ),
  ours(
    'allow-openai',
    'boolean',
    'true',
    'Answer the endpoints of OpenAI’s API on the HTTP port, under /v1.',
  ),
  ours(
    'openai-default-max-tokens',
    'integer',
    '16',
    'Tokens to generate for a request to /v1 that names no max_tokens.',
    { check: between(1, 2_147_483_647) },
  ),
  ours(
    'http-cors-origin',
    'text',
    null,
    'Lets pages of this origin, as https://example.com, use HTTP and gRPC-Web in browsers; * lets all. Without it no page of another origin can.',
    {
      repeatable: true,
      check: webOrigin('http-cors-origin'),
      note: 'for the ports of HTTP and gRPC; cookies and other credentials that a browser adds by itself are never allowed, headers of the page such as Authorization are',
    },
  ),
  ours(
    'http-max-connections',
    'integer',
    '16384',
    'HTTP connections that may be open at the same time; further ones are closed at once.',
    { check: between(1, 1_000_000) },
  ),
  ours(
    'http-header-timeout-ms',
    'integer',
    '10000',
    'Milliseconds for the headers of a request to arrive completely.',
    { check: between(1, 3_600_000) },
  ),
  ours(
    'http-body-timeout-ms',
    'integer',
    '30000',
    'Longest pause in milliseconds between two pieces of a request body. A body that takes longer has to come at 1 KiB a second on average.',
    { check: between(1, 3_600_000) },
  ),
  ours(
    'http-idle-timeout-ms',
    'integer',
    '120000',
    'Milliseconds after which a connection without a request is closed.',
    { check: between(1, 86_400_000) },
  ),
];
