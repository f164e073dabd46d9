import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command, CommandContext } from '../command/command.ts';
import { CommandError, exitStatus } from '../command/exit-status.ts';
import { locationOf } from '../download/location-of.ts';
import { DownloadError, type Location } from '../download/remote-file.ts';
import { Semaphore } from '../download/semaphore.ts';
import { ProgressBoard } from '../terminal/progress-board.ts';
import { bytesText } from '../terminal/quantity-text.ts';
import { type InstallHooks, installModel, modelPath, presenceOf } from './install-model.ts';
import { folderOptions, listOption, type ModelFolders, modelFolders } from './model-folders.ts';
import { type ListedModel, readModelList } from './model-list.ts';

const jobsDefault = 4;
const jobsMax = 64;

/** `nereid manage download-models`. */
export const downloadModels: Command = {
  name: 'manage download-models',
  summary: 'fetch the models of models.toml into the repository',
  details: `A model appears in the repository when it is whole and its checksums are right, not before. A download that
broke off goes on where it was when the command is given again. Ends with 1 when a model could not be fetched;
the others are fetched nevertheless.

Addresses: https, s3, gs, hf (Hugging Face) and file. Credentials: HF_TOKEN; AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL; GOOGLE_APPLICATION_CREDENTIALS.`,
  positionals: [],
  options: {
    include: {
      type: 'string',
      multiple: true,
      value: 'NAME',
      help: 'only this model',
      completes: 'models',
    },
    overwrite: {
      type: 'boolean',
      help: 'fetch anew what is there but not what the list says',
    },
    'dry-run': { type: 'boolean', help: 'only say what would be done' },
    jobs: {
      type: 'string',
      short: 'j',
      value: 'N',
      help: `files that are fetched at a time (default ${jobsDefault})`,
    },
    ...folderOptions,
    ...listOption,
  },
  async run(given, context) {
    const folders = modelFolders(given, context);
    const models = await readModelList(folders.list, given.list('include'));
    const jobs = given.integer('jobs', jobsDefault, 1, jobsMax);
    const wanted = await wantedModels(folders, models, given.flag('overwrite'), context);
    if (given.flag('dry-run')) {
      for (const { model, location } of wanted) {
        const path = modelPath(folders, model);
        context.stdout.write(`would fetch ${location.from} into ${path}\n`);
      }
      return undefined;
    }
    return (await fetchAll(folders, wanted, jobs, context)) ? undefined : exitStatus.failed;
  },
};

interface WantedModel {
  readonly model: ListedModel;
  readonly location: Location;
}

/** What is not there, or other than the list says and to be replaced. */
async function wantedModels(
  folders: ModelFolders,
  models: readonly ListedModel[],
  overwrite: boolean,
  { environment, stderr }: CommandContext,
): Promise<WantedModel[]> {
  const wanted: WantedModel[] = [];
  for (const model of models) {
    const presence = await presenceOf(folders, model);
    const path = modelPath(folders, model);
    if (presence === 'present') {
      stderr.write(`${path} is there already\n`);
    } else if (presence === 'differs' && !overwrite) {
      stderr.write(`${path} is there, but is not what the list says: --overwrite replaces it\n`);
    } else {
      wanted.push({ model, location: location(folders, model, environment) });
    }
  }
  return wanted;
}

function location(
  folders: ModelFolders,
  model: ListedModel,
  environment: CommandContext['environment'],
): Location {
  try {
    return locationOf(model.source, environment, dirname(folders.list));
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    throw new CommandError(`${folders.list}: model '${model.name}': ${error.message}`);
  }
}

/** @returns whether all models are there now. */
async function fetchAll(
  folders: ModelFolders,
  wanted: readonly WantedModel[],
  jobs: number,
  { stdout, stderr, signal }: CommandContext,
): Promise<boolean> {
  const board = new ProgressBoard(stderr);
  const places = new Semaphore(jobs);
  const hooks: InstallHooks = {
    signal,
    slot: (run) => places.run(run),
    transfer(label) {
      const shown = board.start(label);
      return {
        signal,
        progress: (bytes, total) => shown.progress(bytes, total),
        retrying: (error, delayMs) =>
          board.line(`${error.message}; once more in ${(delayMs / 1000).toFixed(1)} s`),
        wait: (ms) => delay(ms, undefined, { signal }),
        done: () => shown.done(),
      };
    },
  };
  const outcomes = await Promise.all(
    wanted.map(async ({ model, location }) => {
      const begun = performance.now();
      try {
        const bytes = await installModel(folders, model, location, hooks);
        const seconds = ((performance.now() - begun) / 1000).toFixed(1);
        board.pause();
        stdout.write(`fetched ${modelPath(folders, model)} (${bytesText(bytes)}, ${seconds} s)\n`);
        return true;
      } catch (error) {
        if (!signal.aborted) tellFailure(board, model, error);
        return false;
      }
    }),
  );
  board.close();
  if (signal.aborted) {
    stderr.write('interrupted: the same command goes on where this one was\n');
    signal.throwIfAborted();
  }
  return outcomes.every(Boolean);
}

function tellFailure(board: ProgressBoard, model: ListedModel, error: unknown): void {
  const isKnown =
    error instanceof DownloadError ||
    error instanceof CommandError ||
    (error instanceof Error && 'syscall' in error);
  if (!isKnown) throw error;
  board.line(`model '${model.name}' version ${model.version}: ${(error as Error).message}`);
}
