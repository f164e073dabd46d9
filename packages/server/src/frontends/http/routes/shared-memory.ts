import { TritonError } from '@nereid/protocol';
import type { HttpRoute } from '../http-route.ts';
import { sendJson } from '../replies.ts';

/** Shared memory is off, as Triton's is unless --allow-client-shm=true: nothing can be registered. */
function refuseSharedMemory(): never {
  throw new TritonError(
    'UNSUPPORTED',
    "Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable.",
  );
}

function sharedMemoryRoutes(kind: 'system' | 'cuda'): HttpRoute[] {
  const base = `/v2/${kind}sharedmemory`;
  const constant = {
    origin: 'triton',
    category: 'shared-memory',
    contentType: 'application/json',
  } as const;
  return [
    {
      ...constant,
      methods: ['GET'],
      path: `${base}[/region/{region}]/status`,
      meaning: `Registered ${kind} shared memory regions`,
      handle({ responder, match }) {
        if (match.region !== '') {
          const text = `Unable to find ${kind} shared memory region: '${match.region}'`;
          throw new TritonError('NOT_FOUND', text);
        }
        sendJson(responder, []);
      },
    },
    {
      ...constant,
      methods: ['POST'],
      path: `${base}[/region/{region}]/register`,
      meaning: `Registers a ${kind} shared memory region (disabled: 501)`,
      handle: refuseSharedMemory,
    },
    {
      ...constant,
      methods: ['POST'],
      path: `${base}[/region/{region}]/unregister`,
      meaning: `Unregisters one or all ${kind} shared memory regions (disabled: 501)`,
      handle: refuseSharedMemory,
    },
  ];
}

export const systemSharedMemoryRoutes: readonly HttpRoute[] = sharedMemoryRoutes('system');

export const cudaSharedMemoryRoutes: readonly HttpRoute[] = sharedMemoryRoutes('cuda');
