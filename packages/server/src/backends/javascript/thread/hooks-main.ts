// The hooks of Node 20, in a thread of their own: the thread of the model names this file.
import { AsyncModuleHooks } from './module-hooks.ts';

const hooks = new AsyncModuleHooks();

export const initialize: AsyncModuleHooks['initialize'] = (data) => hooks.initialize(data);
export const resolve: AsyncModuleHooks['resolve'] = (specifier, context, next) =>
  hooks.resolve(specifier, context, next);
export const load: AsyncModuleHooks['load'] = (url, context, next) =>
  hooks.load(url, context, next);
