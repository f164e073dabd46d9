import { type OptionSpec, rowsOf } from '../option-spec.ts';
import { between, int32, oneOf } from '../option-value.ts';

const repository = rowsOf('Model Repository');
const ours = rowsOf('Nereid');

/** Cloud storage is recognised by these beginnings of a repository path. */
export const cloudSchemes: readonly string[] = ['s3://', 'gs://', 'as://'];

function localPath(value: string): string | null {
  if (value === '') return 'the path of a model repository cannot be empty';
  const scheme = cloudSchemes.find((candidate) => value.startsWith(candidate));
  return scheme === undefined
    ? null
    : `model repositories in cloud storage (${scheme}) are not supported yet: copy the repository to a local folder. Got ${value}`;
}

/** Where models come from, and when they are loaded. */
export const modelRepositoryRows: readonly OptionSpec[] = [
  repository('model-store', 'text', null, 'Another name of --model-repository.', {
    aliasOf: 'model-repository',
    repeatable: true,
    check: localPath,
  }),
  repository(
    'model-repository',
    'text',
    null,
    'Folder with one sub-folder a model. Give the flag several times for several repositories; a model found in more than one is not served unless --model-namespacing is on. Required.',
    { repeatable: true, check: localPath },
  ),
  repository(
    'exit-on-error',
    'boolean',
    'true',
    'Exit with status 1 when a model fails to load at start.',
  ),
  repository(
    'disable-auto-complete-config',
    'switch',
    null,
    'Do not complete model configurations from the model files: each config.pbtxt must say everything.',
  ),
  repository(
    'strict-readiness',
    'boolean',
    'true',
    'Report the server as ready only when every model is available; when false, as soon as it answers.',
  ),
  repository(
    'model-control-mode',
    'text',
    'none',
    'When models are loaded: "none" loads all at start and changes nothing later, "poll" follows changes in the repository, "explicit" leaves it to the model control API and --load-model, "lazy" (ours) loads a model when the first request for it comes.',
    { check: oneOf('model-control-mode', ['none', 'poll', 'explicit', 'lazy']) },
  ),
  repository(
    'repository-poll-secs',
    'integer',
    '15',
    'Seconds between two looks at the repository in control mode "poll".',
    { check: int32 },
  ),
  repository(
    'load-model',
    'text',
    null,
    'Model to load at start in control mode "explicit"; repeatable. A single "*" loads all; it is no pattern.',
    { repeatable: true },
  ),
  repository(
    'model-config-name',
    'text',
    null,
    'Read configs/<name>.pbtxt of each model that has it in place of config.pbtxt.',
    {
      check: (value) => (value === '' ? 'Error: empty argument for --model-config-name' : null),
    },
  ),
  repository('model-load-thread-count', 'integer', '4', 'How many models load at the same time.', {
    check: int32,
  }),
  repository(
    'model-load-retry-count',
    'integer',
    '0',
    'How often a model that failed to load is tried again.',
    { check: int32 },
  ),
  repository(
    'model-namespacing',
    'boolean',
    'false',
    'Serve models of the same name from different repositories, told apart by the repository path.',
  ),
  repository('enable-peer-access', 'boolean', 'true', 'Let GPUs read each other’s memory.', {
    honoured: 'accepted',
    note: 'GPU memory is not managed yet',
  }),
  ours(
    'model-idle-unload-secs',
    'integer',
    '0',
    'In control mode "lazy", unload a model that has had no request for so long; 0 is never.',
    { check: between(0, 2_000_000) },
  ),
  ours(
    'model-memory-limit-bytes',
    'integer',
    '0',
    'In control mode "lazy", unload the models that were used the longest ago so that those loaded on demand take no more memory than this together; 0 is no limit.',
    { check: between(0, Number.MAX_SAFE_INTEGER) },
  ),
];
