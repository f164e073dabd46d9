import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { exampleModels } from './checkout.ts';
import {
  modelFiles,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const head = `import json, time
import numpy as np
import triton_python_backend_utils as pb_utils

FINAL = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL

def value(request, name, default=None):
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    return default if tensor is None else tensor.as_numpy().reshape(-1)[0]

def texts(name, *elements):
    return pb_utils.Tensor(name, np.array([e if isinstance(e, bytes) else e.encode() for e in elements], dtype=np.object_))


class TritonPythonModel:
`;

/** Says the words of the prompt one by one, as many as \`max_tokens\` allows: inputs as TensorRT-LLM's models have them. */
const wordsConfig = `backend: "python"
max_batch_size: 8
model_transaction_policy { decoupled: true }
input [
  { name: "text_input" data_type: TYPE_STRING dims: [ 1 ] },
  { name: "max_tokens" data_type: TYPE_INT32 dims: [ 1 ] },
  { name: "stop_words" data_type: TYPE_STRING dims: [ -1 ] optional: true allow_ragged_batch: true },
  { name: "temperature" data_type: TYPE_FP32 dims: [ 1 ] optional: true },
  { name: "top_p" data_type: TYPE_FP32 dims: [ 1 ] optional: true },
  { name: "stream" data_type: TYPE_BOOL dims: [ 1 ] optional: true },
  { name: "guided_decoding_guide_type" data_type: TYPE_STRING dims: [ 1 ] optional: true },
  { name: "guided_decoding_guide" data_type: TYPE_STRING dims: [ 1 ] optional: true },
  { name: "return_num_input_tokens" data_type: TYPE_BOOL dims: [ 1 ] optional: true },
  { name: "return_num_output_tokens" data_type: TYPE_BOOL dims: [ 1 ] optional: true }
]
output [
  { name: "text_output" data_type: TYPE_STRING dims: [ -1 ] },
  { name: "num_input_tokens" data_type: TYPE_INT32 dims: [ 1 ] },
  { name: "num_output_tokens" data_type: TYPE_INT32 dims: [ -1 ] }
]
instance_group [ { count: 1 kind: KIND_CPU } ]
parameters { key: "chat_template" value { string_value: "{{ messages[-1]['content'] }}" } }
`;

const words = `${head}    def execute(self, requests):
        for r in requests:
            sender, prompt = r.get_response_sender(), value(r, "text_input").decode()
            said = prompt.split()[: value(r, "max_tokens")]
            stops = pb_utils.get_input_tensor_by_name(r, "stop_words")
            for stop in [] if stops is None else stops.as_numpy().reshape(-1):
                if stop.decode() in said:
                    said = said[: said.index(stop.decode())]
            if value(r, "guided_decoding_guide_type") is not None:
                said = [value(r, "guided_decoding_guide", b"{}").decode()]
            pieces = [w + " " for w in said] if value(r, "stream", False) else [" ".join(said)]
            for piece in pieces:
                count = len(said) if len(pieces) == 1 else 1
                sender.send(pb_utils.InferenceResponse([
                    texts("text_output", piece),
                    pb_utils.Tensor("num_input_tokens", np.array([len(prompt.split())], np.int32)),
                    pb_utils.Tensor("num_output_tokens", np.array([count], np.int32)),
                ]))
            sender.send(flags=FINAL)
`;

/** Calls the first tool that it is shown, a few letters at a time; tells what the tool said when it is asked again. */
const callerConfig = `backend: "python"
max_batch_size: 0
model_transaction_policy { decoupled: true }
input [ { name: "text_input" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "text_output" data_type: TYPE_STRING dims: [ 1 ] } ]
instance_group [ { count: 1 kind: KIND_CPU } ]
parameters { key: "tool_call_parser" value { string_value: "hermes" } }
parameters {
  key: "chat_template"
  value { string_value: "{{ {'tools': tools, 'last': messages[-1]} | tojson }}" }
}
`;

const caller = `${head}    def execute(self, requests):
        for r in requests:
            sender, asked = r.get_response_sender(), json.loads(value(r, "text_input"))
            if asked["last"]["role"] == "tool":
                text = f"It is {asked['last']['content']}."
            else:
                call = {"name": asked["tools"][0]["function"]["name"], "arguments": {"city": asked["last"]["content"]}}
                text = f"Let me look.\\n<tool_call>\\n{json.dumps(call)}\\n</tool_call>"
            for at in range(0, len(text), 5):
                sender.send(pb_utils.InferenceResponse([texts("text_output", text[at : at + 5])]))
            sender.send(flags=FINAL)
`;

/** Writes on and on, until nobody listens. */
const endlessConfig = `backend: "python"
max_batch_size: 0
model_transaction_policy { decoupled: true }
input [ { name: "text_input" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "text_output" data_type: TYPE_STRING dims: [ 1 ] } ]
instance_group [ { count: 1 kind: KIND_CPU } ]
`;

const endless = `${head}    def execute(self, requests):
        for r in requests:
            sender, count = r.get_response_sender(), 0
            while not sender.is_cancelled() and count < 20000:
                sender.send(pb_utils.InferenceResponse([texts("text_output", "on and ")]))
                count += 1
                time.sleep(0.001)
            sender.send(flags=FINAL)
            pb_utils.Logger.log_info("stopped early" if count < 20000 else "stopped late")
`;

/** Counts letters: a vector of three for each text. */
const embedderConfig = `backend: "python"
max_batch_size: 4
input [ { name: "text_input" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "embedding" data_type: TYPE_FP32 dims: [ 3 ] } ]
instance_group [ { count: 1 kind: KIND_CPU } ]
`;

const embedder = `${head}    def execute(self, requests):
        responses = []
        for r in requests:
            rows = pb_utils.get_input_tensor_by_name(r, "text_input").as_numpy().reshape(-1)
            vectors = [[row.count(letter) / 2 for letter in (b"a", b"b", b"c")] for row in rows]
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("embedding", np.array(vectors, np.float32))]))
        return responses
`;

/** Embeddings as vLLM's backend makes them: JSON in, JSON out. */
const vllmEmbedderConfig = `backend: "python"
max_batch_size: 0
model_transaction_policy { decoupled: true }
input [
  { name: "embedding_request" data_type: TYPE_STRING dims: [ 1 ] },
  { name: "return_num_input_tokens" data_type: TYPE_BOOL dims: [ 1 ] optional: true }
]
output [
  { name: "text_output" data_type: TYPE_STRING dims: [ -1 ] },
  { name: "num_input_tokens" data_type: TYPE_UINT32 dims: [ 1 ] }
]
instance_group [ { count: 1 kind: KIND_CPU } ]
`;

const vllmEmbedder = `${head}    def execute(self, requests):
        for r in requests:
            sender, asked = r.get_response_sender(), json.loads(value(r, "embedding_request"))
            dimensions = asked["pooling_params"].get("dimensions", [3])[0]
            sender.send(pb_utils.InferenceResponse([
                texts("text_output", json.dumps([len(asked["input"])] * dimensions)),
                pb_utils.Tensor("num_input_tokens", np.array([len(asked["input"])], np.uint32)),
            ]), flags=FINAL)
`;

/** Describes a picture by its size: the inputs of models that look at pictures. */
const looksConfig = `backend: "python"
max_batch_size: 0
input [
  { name: "image" data_type: TYPE_UINT8 dims: [ -1 ] },
  { name: "prompt" data_type: TYPE_STRING dims: [ 1 ] }
]
output [ { name: "generated_text" data_type: TYPE_STRING dims: [ 1 ] } ]
instance_group [ { count: 1 kind: KIND_CPU } ]
`;

const looks = `${head}    def execute(self, requests):
        return [
            pb_utils.InferenceResponse([texts("generated_text", f"{value(r, 'prompt').decode()} {pb_utils.get_input_tensor_by_name(r, 'image').as_numpy().size} bytes")])
            for r in requests
        ]
`;

/** Takes one request at a time, and lets one wait. */
const busyConfig = `backend: "python"
max_batch_size: 1
input [ { name: "text_input" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "text_output" data_type: TYPE_STRING dims: [ 1 ] } ]
instance_group [ { count: 1 kind: KIND_CPU } ]
dynamic_batching { default_queue_policy { max_queue_size: 1 } }
`;

const busy = `${head}    def execute(self, requests):
        time.sleep(0.2)
        return [pb_utils.InferenceResponse([pb_utils.Tensor("text_output", np.array([[b"done"]], dtype=np.object_))]) for _ in requests]
`;

const models: Readonly<Record<string, readonly [config: string, code: string]>> = {
  words: [wordsConfig, words],
  caller: [callerConfig, caller],
  endless: [endlessConfig, endless],
  embedder: [embedderConfig, embedder],
  vllm_embedder: [vllmEmbedderConfig, vllmEmbedder],
  looks: [looksConfig, looks],
  busy: [busyConfig, busy],
};

/** `scribe` of the examples, and stand-ins for the other kinds of models that OpenAI's API is served with. */
export function openAiRepository(): TemporaryRepository {
  const repository = temporaryRepository(
    modelFiles(models, ([config, code]) => ({ 'config.pbtxt': config, '1/model.py': code })),
  );
  cpSync(join(exampleModels, 'scribe'), join(repository.path, 'scribe'), { recursive: true });
  return repository;
}
