import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TritonError } from '@nereid/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Backend, BackendLoadContext, BackendModel } from '../core/backend.ts';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/logger.ts';
import type { StepModel } from '../core/step-models.ts';
import { latencySumsOnly } from '../observability/model-latencies.ts';
import { DefinitionReader } from '../repository/definition-reader.ts';
import { LocalModelSource } from '../repository/local-model-source.ts';
import { noOverrides } from '../repository/model-definition.ts';
import { ModelFinder } from '../repository/model-finder.ts';
import { BackendRegistry } from './backend-registry.ts';
import type { LoadedModel } from './loaded-model.ts';
import { ModelLifeCycle } from './model-life-cycle.ts';
import { type ModelControlMode, ModelManager } from './model-manager.ts';
import { VersionLoader } from './version-loader.ts';

/** Loads anything but versions that hold a file named `broken`; a gate can hold loads back. */
class FakeBackend implements Backend {
  readonly name = 'fake';
  loads = 0;
  unloads = 0;
  loading = 0;
  loadingAtOnce = 0;
  gate: Promise<void> = Promise.resolve();
  /** Of every load that was tried. */
  readonly modelDirectories: string[] = [];

  async loadModel(context: BackendLoadContext): Promise<BackendModel> {
    const { modelDirectory, versionDirectory, config } = context;
    this.modelDirectories.push(modelDirectory);
    this.loading++;
    this.loadingAtOnce = Math.max(this.loadingAtOnce, this.loading);
    await this.gate;
    this.loading--;
    if (existsSync(join(versionDirectory, 'broken'))) {
      throw new TritonError('INTERNAL', 'the model is broken');
    }
    this.loads++;
    return {
      config,
      instances: [{ name: 'i', execute: () => null }],
      unload: async () => {
        this.unloads++;
      },
    };
  }

  async shutdown(): Promise<void> {}
}

const stepModelOf = ({ config, labels }: LoadedModel): StepModel => ({
  config,
  labels,
  retain: () => {},
  release: () => {},
  infer: () => {},
});

let root: string;
let repositories: string[];
let backend: FakeBackend;
let lifeCycle: ModelLifeCycle;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nereid-test-'));
  repositories = [join(root, 'a'), join(root, 'b')];
  for (const path of repositories) await mkdir(path);
  backend = new FakeBackend();
});

afterEach(() => rm(root, { recursive: true, force: true }));

function manager(controlMode: ModelControlMode = 'explicit', namespacing = false): ModelManager {
  lifeCycle = new ModelLifeCycle({
    loader: new VersionLoader({
      responseCache: () => null,
      rateLimiter: null,
      prepareRequest: () => ({ inputs: [], outputNames: [], batchSize: 1 }),
      stepModels: { find: (id, version) => stepModelOf(lifeCycle.findById(id, version)) },
      backends: new BackendRegistry([backend]),
      autoComplete: true,
      backendConfig: new Map(),
      latencies: latencySumsOnly,
      clock: systemClock,
      logger: silentLogger,
    }),
    logger: silentLogger,
    parallelLoadsMax: 4,
    loadRetries: 0,
  });
  return new ModelManager({
    finder: new ModelFinder(
      repositories.map((path) => new LocalModelSource(path)),
      namespacing,
    ),
    reader: new DefinitionReader({ autoComplete: true, configName: '' }),
    lifeCycle,
    logger: silentLogger,
    controlMode,
    namespacing,
  });
}

const io = (name: string): string =>
  `${name} [ { name: "${name.toUpperCase()}" data_type: TYPE_FP32 dims: [ 1 ] } ]`;

async function writeModel(name: string, versions: readonly number[], extra = ''): Promise<string> {
  return writeModelIn(repositories[0] as string, name, versions, extra);
}

async function writeModelIn(
  repository: string,
  name: string,
  versions: readonly number[],
  extra = '',
): Promise<string> {
  const directory = join(repository, name);
  for (const version of versions)
    await mkdir(join(directory, String(version)), { recursive: true });
  const config = `backend: "fake"\n${io('input')}\n${io('output')}\n${extra}\n`;
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'config.pbtxt'), config);
  return directory;
}

async function states(models: ModelManager): Promise<string[]> {
  return (await models.index(false)).map(
    ({ id, version, state, reason }) =>
      `${id.name}${version === null ? '' : `:${version}`} ${state ?? '-'}${reason === '' ? '' : ` ${reason}`}`,
  );
}

async function failure(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'succeeded',
    (error: TritonError) => `${error.code} ${error.message}`,
  );
}

const allVersions = 'version_policy { all {} }';

describe('ModelManager', () => {
  it('loads the versions that the policy selects and shows the rest of the repository', async () => {
    await writeModel('m', [1, 2, 10]);
    await writeModel('other', [1]);
    const models = manager();
    await models.load('m', noOverrides);
    expect(await states(models)).toEqual(['m:10 READY', 'other -']);
    expect(lifeCycle.find('m', null).key.version).toBe(10);
    expect(() => lifeCycle.find('m', 2)).toThrow(
      "Request for unknown model: 'm' version 2 is not found",
    );
    expect(() => lifeCycle.find('x', null)).toThrow("Request for unknown model: 'x' is not found");
  });

  it('does not load again what did not change', async () => {
    await writeModel('m', [1]);
    const models = manager();
    await models.load('m', noOverrides);
    await models.load('m', noOverrides);
    expect(backend.loads).toBe(1);
    await writeModel('m', [1], 'max_batch_size: 4');
    await models.load('m', noOverrides);
    expect(backend.loads).toBe(2);
    expect(lifeCycle.find('m', null).config.max_batch_size).toBe(4);
    await lifeCycle.unloadsEnded();
    expect(backend.unloads).toBe(1);
  });

  it('keeps the old version when a reload fails, and tries again when asked again', async () => {
    const directory = await writeModel('m', [1]);
    const models = manager();
    await models.load('m', noOverrides);
    await writeFile(join(directory, '1', 'broken'), '');
    const text =
      "INVALID_ARG load failed for model 'm': version 1 is at UNAVAILABLE state: Internal: the model is broken;\n";
    expect(await failure(models.load('m', noOverrides))).toBe(text);
    expect(await states(models)).toEqual(['m:1 READY']);
    expect(await failure(models.load('m', noOverrides))).toBe(text);
    await rm(join(directory, '1', 'broken'));
    await models.load('m', noOverrides);
    expect(backend.loads).toBe(2);
  });

  it('unloads the versions that did load when another one fails', async () => {
    const directory = await writeModel('m', [1, 2], allVersions);
    await writeFile(join(directory, '2', 'broken'), '');
    const models = manager();
    expect(await failure(models.load('m', noOverrides))).toContain('version 2 is at UNAVAILABLE');
    await lifeCycle.unloadsEnded();
    expect(await states(models)).toEqual([
      'm:1 UNAVAILABLE unloaded',
      'm:2 UNAVAILABLE Internal: the model is broken',
    ]);
    expect(models.allReady()).toBe(false);
  });

  it('unloads a version that the folder has no more', async () => {
    const directory = await writeModel('m', [1, 2], allVersions);
    const models = manager();
    await models.load('m', noOverrides);
    await rm(join(directory, '2'), { recursive: true });
    await models.load('m', noOverrides);
    await lifeCycle.unloadsEnded();
    expect(await states(models)).toEqual(['m:1 READY', 'm:2 UNAVAILABLE unloaded']);
    expect(models.allReady()).toBe(true);
  });

  it('answers requests in flight before it unloads', async () => {
    await writeModel('m', [1]);
    const models = manager();
    await models.load('m', noOverrides);
    const served = lifeCycle.find('m', null);
    served.retain();
    await models.unload('m');
    expect(await states(models)).toEqual(['m:1 UNLOADING']);
    expect(() => lifeCycle.find('m', 1)).toThrow('version 1 is not at ready state');
    expect(backend.unloads).toBe(0);
    served.release();
    await lifeCycle.unloadsEnded();
    expect(await states(models)).toEqual(['m:1 UNAVAILABLE unloaded']);
    expect(() => lifeCycle.find('m', null)).toThrow("'m' has no available versions");
  });

  it('tells when one model is unloaded, whatever others still execute', async () => {
    for (const name of ['busy', 'idle']) await writeModel(name, [1]);
    const models = manager();
    for (const name of ['busy', 'idle']) await models.load(name, noOverrides);
    const served = lifeCycle.find('busy', null);
    served.retain();
    for (const name of ['busy', 'idle']) await models.unload(name);
    await lifeCycle.unloadsEnded('idle');
    expect(await states(models)).toEqual(['busy:1 UNLOADING', 'idle:1 UNAVAILABLE unloaded']);
    served.release();
    await lifeCycle.unloadsEnded();
  });

  it('refuses a model that two repositories have', async () => {
    await writeModel('m', [1]);
    await writeModelIn(repositories[1] as string, 'm', [1]);
    const models = manager();
    expect(await failure(models.load('m', noOverrides))).toBe(
      "INTERNAL failed to load 'm', failed to poll from model repository",
    );
    expect(await states(models)).toEqual([
      'm UNAVAILABLE model appears in two or more repositories',
    ]);
  });

  it('keeps equal names apart with namespaces, and says when a name is ambiguous', async () => {
    await writeModel('m', [1]);
    await writeModelIn(repositories[1] as string, 'm', [1]);
    await writeModelIn(repositories[1] as string, 'single', [1]);
    const models = manager('none', true);
    expect(await models.update()).toBe(true);
    expect(lifeCycle.find('single', null).key.namespace).toBe(repositories[1]);
    expect(() => lifeCycle.find('m', null)).toThrow(
      "There are 2 identifiers of model 'm' in global map, model namespace must be provided to resolve ambiguity.",
    );
    expect(() => lifeCycle.find('x', null)).toThrow("Request for unknown model: 'x' is not found");
  });

  it('takes configuration and files from the request', async () => {
    await writeModel('m', [1]);
    const models = manager();
    const config = '{"backend":"fake","max_batch_size":3}';
    await models.load('m', { config, files: new Map() });
    expect(lifeCycle.find('m', null).config.max_batch_size).toBe(3);
    // As in Triton, a plain load keeps the configuration while nothing changes on disk.
    await models.load('m', noOverrides);
    expect(lifeCycle.find('m', null).config.max_batch_size).toBe(3);
    await models.load('m', { config, files: new Map([['7/data', Buffer.from('x')]]) });
    expect(lifeCycle.find('m', null).key.version).toBe(7);
    await models.load('m', noOverrides);
    expect(lifeCycle.find('m', null).key.version).toBe(1);
  });

  it('keeps the files of a request for as long as a version serves from them', async () => {
    const models = manager();
    const withFiles = (...paths: string[]): Promise<void> => {
      const files = new Map(paths.map((path) => [path, Buffer.from('x')]));
      return models.load('m', { config: '{"backend":"fake"}', files });
    };
    const kept = (): boolean[] => backend.modelDirectories.map((path) => existsSync(path));
    await withFiles('7/data');
    expect(await failure(withFiles('7/broken'))).toContain('the model is broken');
    expect(lifeCycle.find('m', 7).directory).toBe(backend.modelDirectories[0]);
    expect(kept()).toEqual([true, true]);
    const served = lifeCycle.find('m', 7);
    served.retain();
    await withFiles('7/data', '7/more');
    expect(kept()).toEqual([true, false, true]);
    served.release();
    await lifeCycle.unloadsEnded();
    expect(kept()).toEqual([false, false, true]);
    await models.unloadAll();
    expect(kept()).toEqual([false, false, false]);
  });

  it('loads nothing any more once everything is to be unloaded', async () => {
    await writeModel('m', [1]);
    const models = manager();
    let open = (): void => {};
    backend.gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = models.load('m', noOverrides);
    const waiting = failure(models.load('m', noOverrides));
    await expect.poll(() => backend.loading).toBe(1);
    const unloaded = models.unloadAll();
    open();
    await first;
    expect(await waiting).toBe('UNAVAILABLE Server exiting');
    await unloaded;
    expect(await states(models)).toEqual(['m:1 UNAVAILABLE unloaded']);
    expect(await failure(models.update())).toBe('UNAVAILABLE Server exiting');
  });

  it('does not unload on its own what is asked for by request meanwhile', async () => {
    await writeModel('m', [1]);
    const models = manager('lazy');
    await models.loadOnDemand('m');
    await Promise.all([models.load('m', noOverrides), models.unloadOnDemand('m')]);
    expect(await states(models)).toEqual(['m:1 READY']);
    await models.unload('m');
    await models.loadOnDemand('m');
    await models.unloadOnDemand('m');
    await lifeCycle.unloadsEnded();
    expect(await states(models)).toEqual(['m:1 UNAVAILABLE unloaded']);
  });

  it.each(['../x/data', '/../x', '1/../../x', '', 'a\0b'])(
    'refuses the file path %j',
    async (path) => {
      const models = manager();
      const load = models.load('m', {
        config: '{"backend":"fake"}',
        files: new Map([[path, Buffer.from('x')]]),
      });
      expect(await failure(load)).toBe(
        "INTERNAL failed to load 'm', failed to poll from model repository",
      );
    },
  );

  it.each([
    ['', 'Model name cannot be empty. Please enter a valid name to deploy.'],
    ['  ', 'Model name cannot be empty. Please enter a valid name to deploy.'],
    ['..', "invalid model name '..', model name must not contain path traversal characters"],
    [' ..', "invalid model name ' ..', model name must not contain path traversal characters"],
    [
      'a/../b',
      "invalid model name 'a/../b', model name must not contain path traversal characters",
    ],
    ['/etc', "invalid model name '/etc', model name must not contain path traversal characters"],
  ])('refuses the name %j', async (name, text) => {
    expect(await failure(manager().load(name, noOverrides))).toBe(`INVALID_ARG ${text}`);
  });

  it.each(['model..', '...'])('takes the name %j', async (name) => {
    await writeModel(name, [1]);
    const models = manager();
    await models.load(name, noOverrides);
    expect(await states(models)).toEqual([`${name}:1 READY`]);
  });

  it('refuses control requests in the other modes', async () => {
    for (const mode of ['none', 'poll'] as const) {
      const models = manager(mode);
      expect(await failure(models.load('m', noOverrides))).toBe(
        'UNAVAILABLE explicit model load / unload is not allowed if polling is enabled',
      );
      expect(await failure(models.unload('m'))).toContain('UNAVAILABLE');
    }
  });

  it('follows the repository when it polls', async () => {
    const models = manager('poll');
    await writeModel('m', [1]);
    expect(await models.update()).toBe(true);
    expect(await states(models)).toEqual(['m:1 READY']);
    const added = await writeModel('n', [1]);
    await writeFile(join(added, '1', 'broken'), '');
    await models.update();
    await models.update();
    expect(await states(models)).toEqual([
      'm:1 READY',
      'n:1 UNAVAILABLE Internal: the model is broken',
    ]);
    expect(backend.loads).toBe(1);
    await rm(join(added, '1', 'broken'));
    await models.update();
    expect(lifeCycle.find('n', null).key.version).toBe(1);
    await rm(join(repositories[0] as string, 'm'), { recursive: true });
    await models.update();
    await lifeCycle.unloadsEnded();
    expect(() => lifeCycle.find('m', null)).toThrow("'m' has no available versions");
  });

  it('survives half a model, an unreadable configuration and links in circles', async () => {
    const repository = repositories[0] as string;
    await writeModel('good', [1]);
    await mkdir(join(repository, 'empty'));
    await symlink('loop', join(repository, 'loop'));
    const half = await writeModel('half', []);
    await writeFile(join(half, 'config.pbtxt'), 'backend: "fa');
    await symlink('..', join(await writeModel('up', [1]), 'circle'));
    const models = manager('none');
    expect(await models.update()).toBe(false);
    expect(lifeCycle.find('good', null).key.version).toBe(1);
    expect(lifeCycle.find('up', null).key.version).toBe(1);
  });

  it('loads a model once when a hundred requests ask at the same time', async () => {
    await writeModel('m', [1]);
    const models = manager();
    await Promise.all(Array.from({ length: 100 }, () => models.load('m', noOverrides)));
    expect(backend.loads).toBe(1);
  });

  it('survives loads and unloads that race, and ends in the state asked for last', async () => {
    await writeModel('m', [1]);
    const models = manager();
    const operations: Promise<unknown>[] = [];
    for (let i = 0; i < 100; i++) {
      operations.push(i % 2 === 0 ? models.load('m', noOverrides) : models.unload('m'));
    }
    operations.push(models.load('m', noOverrides));
    await Promise.all(operations);
    await lifeCycle.unloadsEnded();
    expect(await states(models)).toEqual(['m:1 READY']);
    await models.unloadAll();
    expect(backend.unloads).toBe(backend.loads);
  });

  it('loads no more versions at the same time than it may', async () => {
    let open = (): void => {};
    backend.gate = new Promise((resolve) => {
      open = resolve;
    });
    for (let i = 0; i < 10; i++) await writeModel(`m${i}`, [1]);
    const models = manager('none');
    const update = models.update();
    await new Promise((resolve) => setImmediate(resolve));
    open();
    await update;
    expect(backend.loads).toBe(10);
    expect(backend.loadingAtOnce).toBeLessThanOrEqual(4);
  });
});

describe('ensembles', () => {
  const ensembleOf = (...models: string[]): string => {
    const steps = models.map(
      (model, at) => `step { model_name: "${model}" model_version: -1
        input_map { key: "INPUT" value: "${at === 0 ? 'INPUT' : `t${at}`}" }
        output_map { key: "OUTPUT" value: "${at === models.length - 1 ? 'OUTPUT' : `t${at + 1}`}" } }`,
    );
    return `platform: "ensemble"
      input [ { name: "INPUT" data_type: TYPE_FP32 dims: [ 1 ] } ]
      output [ { name: "OUTPUT" data_type: TYPE_FP32 dims: [ 1 ] } ]
      ensemble_scheduling { ${steps.join(' ')} }`;
  };
  async function writeEnsemble(name: string, ...models: string[]): Promise<void> {
    const directory = join(repositories[0] as string, name);
    await mkdir(join(directory, '1'), { recursive: true });
    await writeFile(join(directory, 'config.pbtxt'), ensembleOf(...models));
  }

  it('load the models of their steps, and go with them', async () => {
    await writeModel('m', [1]);
    await writeModel('n', [1]);
    await writeEnsemble('e', 'm', 'n');
    const models = manager();
    await models.load('e', noOverrides);
    expect(await states(models)).toEqual(['e:1 READY', 'm:1 READY', 'n:1 READY']);
    await models.unload('m');
    await lifeCycle.unloadsEnded();
    expect(await states(models)).toEqual([
      'e:1 UNAVAILABLE unloaded',
      'm:1 UNAVAILABLE unloaded',
      'n:1 READY',
    ]);
    await models.load('m', noOverrides);
    expect(await states(models)).toEqual(['e:1 READY', 'm:1 READY', 'n:1 READY']);
  });

  it('take along what only they need, but not what was loaded by name', async () => {
    await writeModel('m', [1]);
    await writeModel('n', [1]);
    await writeEnsemble('e', 'm', 'n');
    const models = manager();
    await models.load('n', noOverrides);
    await models.load('e', noOverrides);
    await models.unload('e', true);
    await lifeCycle.unloadsEnded();
    expect(await states(models)).toEqual([
      'e:1 UNAVAILABLE unloaded',
      'm:1 UNAVAILABLE unloaded',
      'n:1 READY',
    ]);
  });

  it('that were loaded by request keep what they need', async () => {
    await writeModel('m', [1]);
    await writeEnsemble('e', 'm');
    const models = manager('lazy');
    await models.loadOnDemand('m');
    await models.load('e', noOverrides);
    await models.unloadOnDemand('m');
    expect(await states(models)).toEqual(['e:1 READY', 'm:1 READY']);
  });

  it('that go on their own leave what was loaded by request after them', async () => {
    await writeModel('m', [1]);
    await writeEnsemble('e', 'm');
    const models = manager('lazy');
    await models.loadOnDemand('e');
    await models.load('m', noOverrides);
    await models.unloadOnDemand('e');
    await lifeCycle.unloadsEnded();
    expect(await states(models)).toEqual(['e:1 UNAVAILABLE unloaded', 'm:1 READY']);
  });

  it('are loaded anew when a model that they need changes, and refused when it no longer fits', async () => {
    await writeModel('m', [1]);
    await writeEnsemble('e', 'm');
    const models = manager();
    await models.load('e', noOverrides);
    const before = lifeCycle.find('e', null);
    await writeModel('m', [1], 'max_batch_size: 4');
    await models.load('m', noOverrides);
    expect(lifeCycle.find('e', null)).not.toBe(before);
    const directory = join(repositories[0] as string, 'm');
    const text = `backend: "fake" ${io('input').replace('FP32', 'INT32')} ${io('output')}`;
    await writeFile(join(directory, 'config.pbtxt'), text);
    await models.load('m', noOverrides);
    expect(() => lifeCycle.find('e', null)).toThrow("'e' has no available versions");
    expect(await failure(models.load('e', noOverrides))).toBe(
      "INVALID_ARG load failed for model 'e': in ensemble e, ensemble tensor INPUT: inconsistent data type: TYPE_FP32 is inferred from model e while TYPE_INT32 is inferred from model m\n",
    );
  });

  it('say what they lack', async () => {
    await writeEnsemble('lacking', 'x', 'w');
    await writeEnsemble('self', 'self');
    await writeEnsemble('a', 'b');
    await writeEnsemble('b', 'a');
    await writeEnsemble('on_broken', 'broken');
    const directory = await writeModel('broken', [1]);
    await writeFile(join(directory, '1', 'broken'), '');
    const models = manager();
    const told = (name: string): Promise<string> => failure(models.load(name, noOverrides));
    expect(await told('lacking')).toContain(
      'ensemble lacking contains models that are not available or ambiguous: w, x',
    );
    expect(await told('self')).toContain(
      'circular dependency between ensembles: self -> ... -> self -> self',
    );
    expect(await told('a')).toContain('circular dependency between ensembles: a -> ... -> b -> a');
    expect(await told('on_broken')).toContain(
      "ensemble 'on_broken' depends on 'broken' which has no loaded version. Model 'broken' loading failed with error: version 1 is at UNAVAILABLE state: Internal: the model is broken;",
    );
  });

  it('load at start with everything else, and nest', async () => {
    await writeModel('m', [1]);
    await writeEnsemble('a', 'm', 'm');
    await writeEnsemble('z', 'a');
    const models = manager('none');
    expect(await models.update()).toBe(true);
    expect(await states(models)).toEqual(['a:1 READY', 'm:1 READY', 'z:1 READY']);
  });

  it('survive loads and unloads that race', async () => {
    await writeModel('m', [1]);
    await writeEnsemble('e', 'm');
    await writeEnsemble('f', 'e');
    const models = manager();
    await Promise.all(
      Array.from({ length: 60 }, (_, at) => {
        const name = ['m', 'e', 'f'][at % 3] as string;
        return at % 5 === 0 ? models.unload(name, at % 2 === 0) : models.load(name, noOverrides);
      }).map((work) => work.catch(() => {})),
    );
    await models.load('f', noOverrides);
    expect(await states(models)).toEqual(['e:1 READY', 'f:1 READY', 'm:1 READY']);
    await models.unloadAll();
    expect(backend.unloads).toBe(backend.loads);
  });
});
