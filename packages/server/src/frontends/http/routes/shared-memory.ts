import { regionNotFound, sharedMemoryDisabled } from '../../../memory/unregistered-memory.ts';
import type { HttpRoute } from '../http-route.ts';
import { sendJson } from '../replies.ts';

function refuse(): never {
  throw sharedMemoryDisabled();
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
          throw regionNotFound(kind, match.region);
        }
        sendJson(responder, []);
      },
    },
    {
      ...constant,
      methods: ['POST'],
      path: `${base}[/region/{region}]/register`,
      meaning: `Registers a ${kind} shared memory region (disabled: 501)`,
      handle: refuse,
    },
    {
      ...constant,
      methods: ['POST'],
      path: `${base}[/region/{region}]/unregister`,
      meaning: `Unregisters one or all ${kind} shared memory regions (disabled: 501)`,
      handle: refuse,
    },
  ];
}

export const systemSharedMemoryRoutes: readonly HttpRoute[] = sharedMemoryRoutes('system');

export const cudaSharedMemoryRoutes: readonly HttpRoute[] = sharedMemoryRoutes('cuda');
