import { type OptionSpec, rowsOf } from '../option-spec.ts';
import { int32, oneOf, parseInteger } from '../option-value.ts';
import {
  numberPair,
  parseNamedSetting,
  parseResourceLimit,
  readableBy,
} from '../setting-format.ts';

const backend = rowsOf('Backend');
const ours = rowsOf('Nereid');
const agent = rowsOf('Repository Agent');
const cache = rowsOf('Response Cache');
const rate = rowsOf('Rate Limiter');
const memory = rowsOf('Memory/Device Management');
const sharedMemory = rowsOf('Shared Memory');
const deprecated = rowsOf('DEPRECATED');
const noGpu = { honoured: 'accepted', note: 'GPU memory is not managed yet' } as const;

/** Backends, and the resources that they share. */
export const backendRows: readonly OptionSpec[] = [
  backend(
    'backend-directory',
    'text',
    '/opt/tritonserver/backends',
    'Folder in which backends are looked for: folders of their names, with a model.py.',
  ),
  backend(
    'backend-config',
    'text',
    null,
    'A setting of one backend, <backend>,<setting>=<value>, or of all, <setting>=<value>.',
    {
      argument: 'string>,<string>=<string',
      repeatable: true,
      check: readableBy((text) => parseNamedSetting('backend-config', 'backend', 'optional', text)),
    },
  ),
  ours(
    'allow-cpu-fallback',
    'boolean',
    'false',
    'Where there is no GPU, run instances of KIND_GPU on the CPU instead of refusing their models; the log and the model configuration say so.',
  ),
  agent(
    'repoagent-directory',
    'text',
    '/opt/tritonserver/repoagents',
    'Folder in which repository agents are looked for.',
    { honoured: 'accepted', note: 'there are no repository agents yet' },
  ),
  cache(
    'cache-config',
    'text',
    null,
    'A setting of the response cache, as in local,size=1048576. Models use it that have response_cache { enable: true }.',
    {
      note: 'local (setting: size) and redis (settings: host, port, user, password, db, connect_timeout, socket_timeout, pool_size, wait_timeout, tls_enabled, cert, key, cacert, sni) are built in',
      argument: 'string>,<string>=<string',
      repeatable: true,
      check: readableBy((text) => parseNamedSetting('cache-config', 'cache', 'required', text)),
    },
  ),
  cache(
    'cache-directory',
    'text',
    '/opt/tritonserver/caches',
    'Folder in which response caches are looked for.',
    { honoured: 'accepted', note: 'only the built-in caches are used' },
  ),
  rate(
    'rate-limit',
    'text',
    'off',
    '"execution_count" spreads executions over instances by priority and resources, "off" runs whatever instance is free.',
    { check: oneOf('rate-limit', ['execution_count', 'off']) },
  ),
  rate(
    'rate-limit-resource',
    'text',
    null,
    'How much of a resource there is: <resource>:<count>[:<device>].',
    {
      note: 'without it there is as much of each resource as one execution needs at most; names are taken in lower case',
      argument: 'string>:<integer>:<integer',
      repeatable: true,
      check: readableBy(parseResourceLimit),
    },
  ),
  memory(
    'pinned-memory-pool-byte-size',
    'integer',
    '268435456',
    'Bytes of pinned memory for copies between host and GPU.',
    { ...noGpu, check: (value) => (parseInteger(value) >= 0 ? null : `Got ${value}`) },
  ),
  memory(
    'cuda-memory-pool-byte-size',
    'text',
    null,
    'Bytes of CUDA memory for copies, by device: <device>:<bytes>.',
    { ...noGpu, argument: 'integer>:<integer', repeatable: true, check: numberPair(':') },
  ),
  memory(
    'cuda-virtual-address-size',
    'text',
    null,
    'CUDA address space of one implicit state, by device: <device>:<bytes>.',
    { ...noGpu, argument: 'integer>:<integer', repeatable: true, check: numberPair(':') },
  ),
  memory(
    'min-supported-compute-capability',
    'number',
    '6.0',
    'GPUs of a lower compute capability are not used.',
  ),
  memory('buffer-manager-thread-count', 'integer', '0', 'Threads that help with copying tensors.', {
    honoured: 'accepted',
    note: 'tensors are copied on the event loop',
    check: int32,
  }),
  memory(
    'host-policy',
    'text',
    null,
    'A setting of a host policy: <policy>,numa-node=<n> or <policy>,cpu-cores=<range>.',
    {
      argument: 'string>,<string>=<string',
      repeatable: true,
      check: readableBy((text) => parseNamedSetting('host-policy', 'policy', 'required', text)),
      note: 'the worker processes of Python models are bound to the cores; other models run on threads that all share',
    },
  ),
  memory(
    'model-load-gpu-limit',
    'text',
    null,
    'Share of a GPU’s memory above which no more models are loaded: <device>:<fraction>.',
    { ...noGpu, argument: 'device_id>:<fraction', repeatable: true, check: numberPair(':', true) },
  ),
  sharedMemory(
    'allow-client-shm',
    'boolean',
    'false',
    'Let clients register shared memory for inputs and outputs.',
  ),
];

/** Flags of older releases. */
export const deprecatedRows: readonly OptionSpec[] = [
  deprecated(
    'strict-model-config',
    'boolean',
    null,
    'When true, model configurations are not completed from the model files.',
    { deprecated: 'use --disable-auto-complete-config' },
  ),
  deprecated('response-cache-byte-size', 'integer', null, 'Size of the local response cache.', {
    deprecated: 'use --cache-config=local,size=<bytes>',
  }),
];
