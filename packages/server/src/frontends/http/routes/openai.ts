import { openAiErrors } from '../../openai/error-replies.ts';
import type { ErrorStyle, HttpRoute } from '../http-route.ts';

/** How errors of OpenAI's API go out. */
export const openAiStyle: ErrorStyle = { contentType: 'application/json', errors: openAiErrors };

/** Whether a path is one of OpenAI's API, whether there is an endpoint or not. */
export function isOpenAiPath(path: string): boolean {
  return path.startsWith('/v1/') || path === '/v1';
}

/** What the endpoints of OpenAI's API have in common. Their code is loaded when the first of them is asked. */
const common = { origin: 'triton', ...openAiStyle } as const;

/** OpenAI's API, as Triton's OpenAI frontend serves it. */
export const openAiRoutes: readonly HttpRoute[] = [
  {
    ...common,
    methods: ['POST'],
    path: '/v1/chat/completions',
    meaning: 'OpenAI’s chat completions, whole or streamed ([guide](../openai.md))',
    category: 'inference',
    handle: async (call) =>
      (await import('../../openai/chat-completions.ts')).chatCompletions(call),
  },
  {
    ...common,
    methods: ['POST'],
    path: '/v1/completions',
    meaning: 'OpenAI’s completions, whole or streamed',
    category: 'inference',
    handle: async (call) => (await import('../../openai/completions.ts')).completions(call),
  },
  {
    ...common,
    methods: ['POST'],
    path: '/v1/embeddings',
    meaning: 'OpenAI’s embeddings',
    category: 'inference',
    handle: async (call) => (await import('../../openai/embeddings.ts')).embeddings(call),
  },
  {
    ...common,
    methods: ['GET'],
    path: '/v1/models',
    meaning: 'Models that take requests, as OpenAI’s API lists them',
    category: 'model-repository',
    handle: async (call) => (await import('../../openai/models.ts')).listModels(call),
  },
  {
    ...common,
    methods: ['GET'],
    path: '/v1/models/{model}',
    meaning: 'One of them',
    category: 'model-repository',
    handle: async (call) => (await import('../../openai/models.ts')).retrieveModel(call),
  },
  {
    ...common,
    methods: ['POST'],
    path: '/v1/models/{model}/load',
    meaning: 'Loads a model, in control mode explicit',
    category: 'model-repository',
    handle: async (call) => (await import('../../openai/models.ts')).loadModel(call),
  },
  {
    ...common,
    methods: ['POST'],
    path: '/v1/models/{model}/unload',
    meaning: 'Unloads a model, in control mode explicit',
    category: 'model-repository',
    handle: async (call) => (await import('../../openai/models.ts')).unloadModel(call),
  },
];
