import { type ModelConfig, ModelConfigError } from '@nereid/protocol';

/** What lies in a version folder, by name. */
export type VersionContent = ReadonlyMap<string, 'file' | 'directory'>;

interface Known {
  readonly backend: string;
  /** Platforms that stand for the backend when the configuration names no backend. */
  readonly platforms: readonly string[];
  readonly filename: string;
  /** What the model must be on disk to be recognised; null is either. */
  readonly kind: 'file' | 'directory' | null;
  /** Set when the configuration has none. '' leaves it empty. */
  readonly platform: string;
  /** Whether the file's name goes into the configuration. */
  readonly named: boolean;
}

/** In the order in which Triton looks for them. */
const tensorflow: readonly Known[] = [
  known('tensorflow', ['tensorflow_savedmodel'], 'model.savedmodel', 'directory'),
  known('tensorflow', ['tensorflow_graphdef'], 'model.graphdef', 'file'),
];
const others: readonly Known[] = [
  known('tensorrt', ['tensorrt_plan'], 'model.plan', 'file'),
  known('onnxruntime', ['onnxruntime_onnx'], 'model.onnx', null),
  { ...known('openvino', [], 'model.xml', null), platform: '' },
  known('pytorch', ['pytorch_libtorch', 'libtorch'], 'model.pt', 'file'),
  known('pytorch', ['torch_aoti'], 'model.pt2', 'file'),
  { ...known('python', [], 'model.py', null), platform: '' },
  // Ours. Which of the names it is may differ from version to version.
  ...['model.js', 'model.mjs', 'model.cjs', 'model.ts', 'model.mts'].map((filename) => ({
    ...known('javascript', [], filename, 'file'),
    platform: '',
    named: false,
  })),
];

function known(
  backend: string,
  platforms: readonly string[],
  filename: string,
  kind: Known['kind'],
): Known {
  return { backend, platforms, filename, kind, platform: platforms[0] ?? '', named: true };
}

/**
 * Fills in what the folder tells: the name, the backend, the platform and the model's file name.
 * @param content of the version folder whose name sorts first, null when the model has no version
 * @throws ModelConfigError INVALID_ARG when nothing tells the backend
 */
export function deduceBackend(
  given: ModelConfig,
  modelName: string,
  content: VersionContent | null,
): ModelConfig {
  const config = given.name === '' ? { ...given, name: modelName } : given;
  const savedModel = deduceTensorflow(config, content);
  if (savedModel !== null) return savedModel;
  for (const entry of others) {
    // Both kinds of PyTorch model carry one backend name: the platform and file say which it is.
    if (config.backend === entry.backend) return fill(config, kindOfPytorch(config, entry));
    if (config.backend === '' && matches(config, entry, content)) return fill(config, entry);
  }
  if (config.backend !== '' || config.platform !== '' || config.default_model_filename !== '') {
    return config;
  }
  return deduceFromName(config, modelName);
}

/** Only TensorFlow's platform cannot be told from its backend, so it is looked at first. */
function deduceTensorflow(config: ModelConfig, content: VersionContent | null): ModelConfig | null {
  let platform = config.platform;
  if (platform === '' && (config.backend === '' || config.backend === 'tensorflow')) {
    const filename = config.default_model_filename;
    // The graph overrules the saved model where a folder holds both.
    for (const entry of tensorflow) {
      if (filename === entry.filename || (filename === '' && holds(content, entry))) {
        platform = entry.platform;
      }
    }
  }
  const entry = tensorflow.find((candidate) => candidate.platform === platform);
  return entry === undefined ? null : fill({ ...config, platform }, entry);
}

function holds(content: VersionContent | null, entry: Known): boolean {
  const kind = content?.get(entry.filename);
  return kind !== undefined && (entry.kind === null || entry.kind === kind);
}

function matches(config: ModelConfig, entry: Known, content: VersionContent | null): boolean {
  if (config.default_model_filename === entry.filename) return true;
  if (config.platform !== '') return entry.platforms.includes(config.platform);
  return config.default_model_filename === '' && holds(content, entry);
}

function kindOfPytorch(config: ModelConfig, entry: Known): Known {
  const aoti = others.find((candidate) => candidate.platform === 'torch_aoti');
  return entry.backend === 'pytorch' && config.platform === 'torch_aoti' && aoti !== undefined
    ? aoti
    : entry;
}

function fill(config: ModelConfig, entry: Known): ModelConfig {
  return {
    ...config,
    backend: config.backend === '' ? entry.backend : config.backend,
    platform: config.platform === '' ? entry.platform : config.platform,
    default_model_filename:
      config.default_model_filename === '' && entry.named
        ? entry.filename
        : config.default_model_filename,
  };
}

/** The last resort: a model called `name.backend`. */
function deduceFromName(config: ModelConfig, modelName: string): ModelConfig {
  const dot = modelName.indexOf('.');
  if (dot >= 0) {
    const backend = modelName.slice(dot + 1);
    return { ...config, backend, default_model_filename: `model.${backend}` };
  }
  throw new ModelConfigError(
    'INVALID_ARG',
    `Invalid model name: Could not determine backend for model '${modelName}' with no backend in model configuration. Expected model name of the form 'model.<backend_name>'.`,
    {
      file: null,
      line: null,
      column: null,
      field: 'backend',
      fix: `put the model's file (such as ${others.map((entry) => entry.filename).join(', ')}) into a version folder, or set backend in config.pbtxt`,
    },
  );
}
