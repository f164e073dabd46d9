import { TritonError } from '@nereid/protocol';
import { refuseRepositoryName } from '../../../control-plane/repository-name.ts';
import type { HttpRoute } from '../http-route.ts';
import { sendEmpty } from '../replies.ts';
import { findMember, isJsonObject, memberEntries, parseRequestJson } from '../request-json.ts';

export const modelLoadRoute: HttpRoute = {
  methods: ['POST'],
  path: '/v2/repository[/{repository}]/models/{model}/load',
  meaning:
    'Loads or reloads a model; `parameters` may hold `config` (JSON text) and `file:<path>` (base64)',
  origin: 'triton',
  category: 'model-repository',
  contentType: 'application/json',
  async handle(call) {
    refuseRepositoryName(call.match.repository);
    const { context, request, responder, match } = call;
    const body = parseRequestJson(request.body, context.options.maxInputBytes);
    const parameters = body === null ? undefined : findMember(body, 'parameters');
    await context.controlPlane.loadModel(match.model, loadOverrides(parameters));
    sendEmpty(responder, 200, 'application/json');
  },
};

export const modelUnloadRoute: HttpRoute = {
  methods: ['POST'],
  path: '/v2/repository[/{repository}]/models/{model}/unload',
  meaning:
    'Unloads a model; `parameters.unload_dependents` takes the models it is composed of along',
  origin: 'triton',
  category: 'model-repository',
  contentType: 'application/json',
  async handle(call) {
    refuseRepositoryName(call.match.repository);
    const { context, request, responder, match } = call;
    const body = parseRequestJson(request.body, context.options.maxInputBytes);
    await context.controlPlane.unloadModel(match.model, {
      unloadDependents: body !== null && unloadDependents(body),
    });
    sendEmpty(responder, 200, 'application/json');
  },
};

/** @param parameters What the body has for it; undefined for none. */
function loadOverrides(parameters: unknown): {
  config: string | null;
  files: ReadonlyMap<string, Uint8Array>;
} {
  let config: string | null = null;
  const files = new Map<string, Uint8Array>();
  if (parameters === undefined) return { config, files };
  if (!isJsonObject(parameters)) {
    throw new TritonError('INTERNAL', 'attempt to get members for non-object');
  }
  for (const [key, value] of memberEntries(parameters)) {
    if (typeof value !== 'string') {
      throw new TritonError('INTERNAL', 'attempt to access JSON non-string as string');
    }
    if (key === 'config') {
      config = value;
    } else if (key.startsWith('file:')) {
      files.set(key.slice('file:'.length), Buffer.from(value, 'base64'));
    } else {
      throw new TritonError('INTERNAL', 'unexpected error on creating Triton parameter');
    }
  }
  return { config, files };
}

function unloadDependents(body: unknown): boolean {
  const value = findMember(findMember(body, 'parameters'), 'unload_dependents');
  if (value === undefined || typeof value === 'boolean') return value === true;
  throw new TritonError(
    'INTERNAL',
    "Unable to parse 'unload_dependents': attempt to access JSON non-boolean as boolean",
  );
}
