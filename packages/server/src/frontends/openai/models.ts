import { TritonError } from '@nereid/protocol';
import { noOverrides } from '../../repository/model-definition.ts';
import type { HttpCall } from '../http/http-route.ts';
import { sendJson } from '../http/replies.ts';

/** As Triton's OpenAI frontend has it. */
const owner = 'Triton Inference Server';

interface ModelObject {
  readonly id: string;
  readonly object: 'model';
  /** Seconds since the Unix epoch; 0 for a model that its first request loads. */
  readonly created: number;
  readonly owned_by: string;
}

/** `GET /v1/models`. */
export async function listModels(call: HttpCall): Promise<void> {
  sendJson(call.responder, { object: 'list', data: await modelObjects(call) });
}

/** `GET /v1/models/{model}`. */
export async function retrieveModel(call: HttpCall): Promise<void> {
  sendJson(call.responder, await modelObject(call));
}

/** `POST /v1/models/{model}/load`: answers when the model serves. */
export async function loadModel(call: HttpCall): Promise<void> {
  await call.context.controlPlane.loadModel(modelName(call), noOverrides);
  sendJson(call.responder, await modelObject(call));
}

/** `POST /v1/models/{model}/unload`. */
export async function unloadModel(call: HttpCall): Promise<void> {
  const model = modelName(call);
  await call.context.controlPlane.unloadModel(model, { unloadDependents: false });
  sendJson(call.responder, { status: 'success', model });
}

/** @throws TritonError NOT_FOUND */
async function modelObject(call: HttpCall): Promise<ModelObject> {
  const name = modelName(call);
  const model = (await modelObjects(call)).find(({ id }) => id === name);
  if (model !== undefined) return model;
  throw new TritonError('NOT_FOUND', `Request for unknown model: '${name}' is not found`);
}

async function modelObjects({ context }: HttpCall): Promise<readonly ModelObject[]> {
  const models = await context.controlPlane.servingModels();
  return models.map(({ name, loadedAtMs }) => ({
    id: name,
    object: 'model',
    created: Math.floor((loadedAtMs ?? 0) / 1000),
    owned_by: owner,
  }));
}

/** OpenAI's clients encode names in paths. */
function modelName({ match }: HttpCall): string {
  try {
    return decodeURIComponent(match.model);
  } catch {
    return match.model;
  }
}
