// Sends an image of [1,3,640,640] FP32 to the model `image`, which answers with it, one time after the
// other, as often as it is told; with one of the clients for Node, or with a bare socket.
// Usage: client-large.mjs socket|http|grpc|grpc-js HOST:PORT [FOLDER_OF_PROTO_FILES]
import { connect } from 'node:net';
import { tensor } from '@nereid/client';
import { grpcJsInference, ourClient, serveCounts } from './counted-loop.mjs';

const [kind, address, protos] = process.argv.slice(2);
const shape = [1, 3, 640, 640];
const values = Float32Array.from({ length: 3 * 640 * 640 }, (_, index) => index);
const last = values.length - 1;

function check(data) {
  if (data.length !== values.length || data[last] !== last) throw new Error('a wrong answer');
}

function ours(client) {
  return async () => {
    const inputs = { INPUT0: tensor('FP32', shape, values) };
    check((await client.infer('image', inputs)).output('OUTPUT0', 'FP32').data);
  };
}

/**
 * Writes the bytes of a request from where they lie, and reads the answer to where it stays, in memory of its
 * own: nothing that gives its caller the answer can do less.
 */
async function bareSocket() {
  const json = `{"inputs":[{"name":"INPUT0","shape":[${shape}],"datatype":"FP32","parameters":{"binary_data_size":${values.byteLength}}}],"parameters":{"binary_data_output":true}}`;
  const head = `POST /v2/models/image/infer HTTP/1.1\r\nhost: ${address}\r\ncontent-type: application/octet-stream\r\ninference-header-content-length: ${json.length}\r\ncontent-length: ${json.length + values.byteLength}\r\n\r\n`;
  const data = new Uint8Array(values.buffer);
  const shared = new Uint8Array(64 * 1024);
  let target = null;
  let filled = 0;
  let answered = () => {};
  const begin = (bytes) => {
    const text = Buffer.from(bytes).toString('latin1');
    const end = text.indexOf('\r\n\r\n') + 4;
    const jsonLength = Number(/inference-header-content-length: *(\d+)/iu.exec(text)[1]);
    const bodyLength = Number(
      /content-length: *(\d+)/iu.exec(text.replace(/inference\S+/iu, ''))[1],
    );
    const padding = (8 - (jsonLength % 8)) % 8;
    const memory = Buffer.allocUnsafeSlow(padding + bodyLength).subarray(padding);
    memory.set(bytes.subarray(end));
    return { memory, jsonLength, filled: bytes.length - end };
  };
  let jsonLength = 0;
  const [host, port] = address.split(':');
  const onread = {
    buffer: () => (target === null ? shared : target.subarray(filled)),
    callback: (count) => {
      if (target === null) {
        const begun = begin(shared.subarray(0, count));
        ({ memory: target, jsonLength, filled } = begun);
      } else filled += count;
      if (filled < target.length) return true;
      const done = new Float32Array(target.buffer, target.byteOffset + jsonLength, values.length);
      target = null;
      answered(done);
      return true;
    },
  };
  const socket = connect({ host, port: Number(port), noDelay: true, onread });
  await new Promise((resolve) => socket.once('connect', resolve));
  return async () => {
    const answer = new Promise((resolve) => {
      answered = resolve;
    });
    socket.cork();
    socket.write(head + json);
    socket.write(data);
    socket.uncork();
    check(await answer);
  };
}

function grpcJs() {
  const data = Buffer.from(values.buffer);
  return grpcJsInference({
    address,
    protos,
    requestOf: () => ({
      model_name: 'image',
      inputs: [{ name: 'INPUT0', datatype: 'FP32', shape }],
      raw_input_contents: [data],
    }),
    check: ({ raw_output_contents }) => {
      const { buffer, byteOffset, length } = raw_output_contents[0];
      check(new Float32Array(buffer.slice(byteOffset, byteOffset + length)));
    },
  });
}

const infer = await {
  socket: bareSocket,
  http: () => ours(ourClient(kind, address)),
  grpc: () => ours(ourClient(kind, address)),
  'grpc-js': grpcJs,
}[kind]();
await serveCounts(infer, 60);
