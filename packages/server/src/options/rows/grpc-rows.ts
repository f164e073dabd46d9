import { type OptionSpec, rowsOf } from '../option-spec.ts';
import { between, int32, oneOf, port } from '../option-value.ts';
import {
  headerPattern,
  parseRestriction,
  readableBy,
  restrictedCategories,
} from '../setting-format.ts';

const grpc = rowsOf('GRPC');
const milliseconds = { check: int32 } as const;
const renewed = {
  note: 'taken into use again when it changes, and on SIGHUP; connections that are open live on',
} as const;
/** Threads and pools of the C++ server. */
const noThreads = {
  honoured: 'accepted',
  note: 'one event loop serves all calls, so the number has no effect',
} as const;

/** The gRPC front end. */
export const grpcRows: readonly OptionSpec[] = [
  grpc('allow-grpc', 'boolean', 'true', 'Listen for gRPC requests.'),
  grpc('grpc-address', 'text', '0.0.0.0', 'Address to listen on for gRPC requests.'),
  grpc('grpc-port', 'integer', '8001', 'Port to listen on for gRPC requests; 0 takes a free one.', {
    check: port,
  }),
  grpc(
    'reuse-grpc-port',
    'boolean',
    'false',
    'Share the gRPC port with other servers that have this flag on; all of them must serve the same models.',
  ),
  grpc(
    'grpc-header-forward-pattern',
    'text',
    '',
    'Regular expression for the names of the metadata that is handed to the model as request parameters.',
    {
      note: 'RE2 syntax without Unicode classes; any part of a name may match, in upper or lower case',
      check: headerPattern('grpc-header-forward-pattern'),
    },
  ),
  grpc('grpc-infer-thread-count', 'integer', '2', 'Threads for gRPC inference, 2 to 128.', {
    ...noThreads,
    check: between(2, 128),
  }),
  grpc(
    'grpc-infer-allocation-pool-size',
    'integer',
    '8',
    'Request and response objects that are kept for reuse.',
    { ...noThreads, check: int32 },
  ),
  grpc(
    'grpc-max-response-pool-size',
    'integer',
    '2147483647',
    'Response objects that may be allocated in a response queue at the same time.',
    { ...noThreads, check: between(1, 2 ** 31 - 1) },
  ),
  grpc('grpc-use-ssl', 'boolean', 'false', 'Serve gRPC over TLS.'),
  grpc(
    'grpc-use-ssl-mutual',
    'boolean',
    'false',
    'Serve gRPC over TLS and ask clients for a certificate.',
  ),
  grpc('grpc-server-cert', 'text', '', 'PEM file of the server certificate.', renewed),
  grpc('grpc-server-key', 'text', '', 'PEM file of the server’s private key.', renewed),
  grpc('grpc-root-cert', 'text', '', 'PEM file of the root certificate.', renewed),
  grpc(
    'grpc-infer-response-compression-level',
    'text',
    'none',
    'Compression of inference responses: none, low, medium or high.',
    {
      note: 'responses go out compressed to clients that take gzip or deflate',
      check: oneOf('grpc-infer-response-compression-level', ['none', 'low', 'medium', 'high']),
    },
  ),
  grpc(
    'grpc-keepalive-time',
    'integer',
    '7200000',
    'Milliseconds after which a keepalive ping is sent.',
    milliseconds,
  ),
  grpc(
    'grpc-keepalive-timeout',
    'integer',
    '20000',
    'Milliseconds to wait for the answer to a keepalive ping before the connection is closed.',
    milliseconds,
  ),
  grpc(
    'grpc-keepalive-permit-without-calls',
    'boolean',
    'false',
    'Send keepalive pings also when no call is in flight.',
  ),
  grpc(
    'grpc-http2-max-pings-without-data',
    'integer',
    '2',
    'Pings that may be sent while there is no data to send; 0 for any number.',
    milliseconds,
  ),
  grpc(
    'grpc-http2-min-recv-ping-interval-without-data',
    'integer',
    '300000',
    'Milliseconds that must lie between two pings of a client that sends no data.',
    milliseconds,
  ),
  grpc(
    'grpc-http2-max-ping-strikes',
    'integer',
    '2',
    'Pings too many that a client may send before its connection is closed; 0 for any number.',
    milliseconds,
  ),
  grpc(
    'grpc-max-connection-age',
    'integer',
    null,
    'Milliseconds after which a connection is closed; without the flag never.',
    milliseconds,
  ),
  grpc(
    'grpc-max-connection-age-grace',
    'integer',
    null,
    'Milliseconds that calls get to finish on a connection that has reached its age.',
    milliseconds,
  ),
  grpc(
    'grpc-restricted-protocol',
    'text',
    null,
    `Ask for metadata with a certain value on some calls: <protocol>[,<protocol>…]:<key>=<value>. The protocols are ${restrictedCategories.join(', ')}.`,
    {
      argument: 'string>:<string>=<string',
      repeatable: true,
      check: readableBy((text) => parseRestriction('grpc-restricted-protocol', 'protocol', text)),
    },
  ),
];
