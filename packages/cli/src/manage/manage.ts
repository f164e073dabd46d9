import type { CommandGroup } from '../command/run-command.ts';
import { check } from './check.ts';
import { copyConfig } from './copy-config.ts';
import { diff } from './diff.ts';
import { downloadModels } from './download-models.ts';
import { getModelConfig } from './get-model-config.ts';
import { initModel } from './init-model.ts';
import { listModels } from './list-models.ts';
import { loadModel, unloadModel } from './load-model.ts';
import { disableModel, enableModel } from './move-model.ts';

/** `nereid manage COMMAND`. */
export const manage: CommandGroup = {
  name: 'manage',
  summary: 'fetch, configure, load and inspect the models of a server, of this one or a Triton',
  commands: [
    downloadModels,
    copyConfig,
    listModels,
    loadModel,
    unloadModel,
    enableModel,
    disableModel,
    getModelConfig,
    initModel,
    check,
    diff,
  ],
};
