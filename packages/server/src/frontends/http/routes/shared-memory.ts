import { type JsonValue, jsonMember, readJson, TritonError } from '@nereid/protocol';
import type { HttpCall, HttpRoute } from '../http-route.ts';
import { sendEmpty, sendJson } from '../replies.ts';
import { refuseLongJson, textOf, unsignedOf } from '../request-json.ts';

/** `sizeof(cudaIpcMemHandle_t)`. */
const cudaHandleBytes = 64;

const constant = {
  origin: 'triton',
  category: 'shared-memory',
  contentType: 'application/json',
} as const;

export const systemSharedMemoryRoutes: readonly HttpRoute[] = [
  {
    ...constant,
    methods: ['GET'],
    path: '/v2/systemsharedmemory[/region/{region}]/status',
    meaning: 'Registered system shared memory regions: `[{"name", "key", "offset", "byte_size"}]`',
    handle({ context, responder, match }) {
      const regions = context.sharedMemory.systemStatus(match.region);
      sendJson(
        responder,
        regions.map(({ name, key, offset, byteSize }) => ({
          name,
          key,
          offset,
          byte_size: byteSize,
        })),
      );
    },
  },
  {
    ...constant,
    methods: ['POST'],
    path: '/v2/systemsharedmemory[/region/{region}]/register',
    meaning:
      'Registers a system shared memory region: `{"key", "offset", "byte_size"}` (needs `--allow-client-shm`)',
    handle(call) {
      const json = registration(call, 'system');
      const key = textOf(required(json, 'key'));
      const offset = jsonMember(json, 'offset');
      call.context.sharedMemory.registerSystem(
        call.match.region,
        key,
        offset === undefined ? 0 : unsignedOf(offset),
        unsignedOf(required(json, 'byte_size')),
      );
      sendEmpty(call.responder, 200, 'application/json');
    },
  },
  {
    ...constant,
    methods: ['POST'],
    path: '/v2/systemsharedmemory[/region/{region}]/unregister',
    meaning:
      'Unregisters one or all system shared memory regions, after the requests in flight (needs `--allow-client-shm`)',
    handle({ context, responder, match }) {
      context.sharedMemory.unregisterSystem(match.region);
      sendEmpty(responder, 200, 'application/json');
    },
  },
];

export const cudaSharedMemoryRoutes: readonly HttpRoute[] = [
  {
    ...constant,
    methods: ['GET'],
    path: '/v2/cudasharedmemory[/region/{region}]/status',
    meaning: 'Registered CUDA shared memory regions: `[{"name", "device_id", "byte_size"}]`',
    handle({ context, responder, match }) {
      const regions = context.sharedMemory.cudaStatus(match.region);
      sendJson(
        responder,
        regions.map(({ name, deviceId, byteSize }) => ({
          name,
          device_id: deviceId,
          byte_size: byteSize,
        })),
      );
    },
  },
  {
    ...constant,
    methods: ['POST'],
    path: '/v2/cudasharedmemory[/region/{region}]/register',
    meaning:
      'Registers a CUDA shared memory region: `{"raw_handle": {"b64"}, "device_id", "byte_size"}` (needs `--allow-client-shm`)',
    handle(call) {
      const json = registration(call, 'cuda');
      const handle = requiredMember(required(json, 'raw_handle'), 'b64');
      const text = textOf(handle);
      const byteSize = unsignedOf(requiredMember(json, 'byte_size'));
      const deviceId = unsignedOf(requiredMember(json, 'device_id'));
      const bytes = Buffer.from(text, 'base64');
      if (bytes.length !== cudaHandleBytes) {
        throw new TritonError(
          'INVALID_ARG',
          "'raw_handle' must be a valid base64 encoded cudaIpcMemHandle_t",
        );
      }
      const { context, responder, match } = call;
      context.sharedMemory.registerCuda(match.region, bytes, Number(deviceId), byteSize);
      sendEmpty(responder, 200, 'application/json');
    },
  },
  {
    ...constant,
    methods: ['POST'],
    path: '/v2/cudasharedmemory[/region/{region}]/unregister',
    meaning:
      'Unregisters one or all CUDA shared memory regions, after the requests in flight (needs `--allow-client-shm`)',
    handle({ context, responder, match }) {
      context.sharedMemory.unregisterCuda(match.region);
      sendEmpty(responder, 200, 'application/json');
    },
  },
];

/** The body of a request to register, in the order of Triton's checks. @throws TritonError */
function registration({ context, request, match }: HttpCall, kind: 'system' | 'cuda'): JsonValue {
  context.sharedMemory.requireAllowed();
  if (match.region === '') {
    throw new TritonError(
      'INVALID_ARG',
      `'region name' is necessary to register ${kind} shared memory region`,
    );
  }
  refuseLongJson(request.body, context.options.maxInputBytes);
  return readJson(request.body);
}

/** @throws TritonError INTERNAL with the text of Triton's JSON library. */
function requiredMember(json: JsonValue, name: string): JsonValue {
  const value = jsonMember(json, name);
  if (value !== undefined) return value;
  throw new TritonError('INTERNAL', `attempt to access non-existing object member '${name}'`);
}

function required(json: JsonValue, name: string): JsonValue {
  const value = jsonMember(json, name);
  if (value !== undefined) return value;
  throw new TritonError('INVALID_ARG', `Shared memory register request has no '${name}' field`);
}
