import { type ModelConfig, type ModelConfigHint, TritonError } from '@nereid/protocol';
import { injectRequest } from '@nereid/transport';
import { systemClock } from '../core/clock.ts';
import { modelIdText } from '../core/model-key.ts';
import { hintOf } from '../core/status-text.ts';
import { Log } from '../observability/log.ts';
import type { ServerOptions } from '../options/server-options.ts';
import { DefinitionReader } from '../repository/definition-reader.ts';
import { LocalModelSource } from '../repository/local-model-source.ts';
import { type ModelDefinition, noOverrides } from '../repository/model-definition.ts';
import { type FoundModel, ModelFinder } from '../repository/model-finder.ts';
import { Server } from '../server.ts';
import { checkInstances } from './check-instances.ts';
import { checkPythonImports } from './check-python.ts';
import { checkScheduling } from './check-scheduling.ts';
import { type Finding, finding } from './finding.ts';
import type { Machine } from './machine.ts';

/** Reads every model's configuration and, unless told not to, loads and unloads each, one at a time. */
export async function checkModels(
  options: ServerOptions,
  machine: Machine,
  load: boolean,
): Promise<Finding[]> {
  const { paths, namespacing } = options.modelRepository;
  const finder = new ModelFinder(
    paths.map((path) => new LocalModelSource(path)),
    namespacing,
  );
  const { unique, duplicates } = await finder.all();
  const findings = duplicates.map(duplicateFinding);
  const defined: ModelDefinition[] = [];
  for (const found of unique) {
    const result = await define(options, found);
    if ('severity' in result) findings.push(result);
    else defined.push(result);
  }
  const loading = load ? await LoadingServer.start(options) : null;
  try {
    for (const definition of defined) {
      findings.push(...(await checkModel(definition, options, machine, loading)));
    }
  } finally {
    await loading?.stop();
  }
  return findings;
}

async function checkModel(
  definition: ModelDefinition,
  options: ServerOptions,
  machine: Machine,
  loading: LoadingServer | null,
): Promise<Finding[]> {
  const subject = subjectOf(definition.id.name);
  const imports = await checkPythonImports(definition, options);
  const loaded = (await loading?.load(definition)) ?? { failures: [], config: null };
  const config = loaded.config ?? definition.config;
  return [
    ...imports,
    ...loaded.failures,
    ...checkInstances(subject, config, machine),
    ...checkScheduling(subject, config, options),
  ];
}

async function define(
  options: ServerOptions,
  found: FoundModel,
): Promise<ModelDefinition | Finding> {
  const { autoCompleteConfig: autoComplete, modelConfigName: configName } = options.modelRepository;
  try {
    const reader = new DefinitionReader({ autoComplete, configName });
    return (await reader.read(found, noOverrides, null)) as ModelDefinition;
  } catch (error) {
    if (!(error instanceof TritonError)) throw error;
    return failure(found.id.name, error.message, hintOf(error));
  }
}

function duplicateFinding(id: FoundModel['id']): Finding {
  return finding(
    'error',
    subjectOf(id.name),
    'more than one repository has a model of this name, so none of them is served',
    'rename all but one, or start the server with --model-namespacing=true',
  );
}

function failure(name: string, problem: string, hint: ModelConfigHint | null): Finding {
  return {
    severity: 'error',
    subject: subjectOf(name),
    problem,
    fix: hint === null ? '' : [hint.field, hint.fix].filter((text) => text !== '').join(': '),
    file: hint?.file ?? null,
    line: hint?.line ?? null,
  };
}

function subjectOf(name: string): string {
  return `model '${name}'`;
}

/** A server without ports, that loads models to see whether they can be. */
class LoadingServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(options: ServerOptions): Promise<LoadingServer> {
    const quiet = { info: false, warning: false, error: false, verboseLevel: 0 };
    const nowhere = { write() {}, reopen() {}, close() {} };
    const server = new Server(
      {
        ...options,
        http: { ...options.http, allow: false },
        grpc: { ...options.grpc, allow: false },
        metrics: { ...options.metrics, allow: false },
        modelRepository: {
          ...options.modelRepository,
          controlMode: 'explicit',
          startupModels: [],
          startupModelsAll: false,
          pollSecs: 0,
        },
      },
      new Log({ ...options.log, ...quiet, file: '' }, systemClock, nowhere, nowhere),
    );
    await server.start();
    return new LoadingServer(server);
  }

  /** @returns why it does not load, or the configuration that it is served with. */
  async load({
    id,
  }: ModelDefinition): Promise<{ failures: Finding[]; config: ModelConfig | null }> {
    const answer = await this.#control(id.name, 'load');
    if (answer.status === 200) {
      const config = this.#versions(id.name)[0]?.model?.config ?? null;
      await this.#control(id.name, 'unload');
      return { failures: [], config };
    }
    const failed = this.#versions(id.name).filter(({ state }) => state === 'UNAVAILABLE');
    const failures =
      failed.length > 0
        ? failed.map(({ version, reason, hint }) =>
            failure(id.name, `version ${version}: ${reason}`, hint),
          )
        : [failure(id.name, JSON.parse(answer.text).error, null)];
    return { failures, config: null };
  }

  async stop(): Promise<void> {
    await this.#server.stop(0);
  }

  #versions(name: string) {
    for (const { id, versions } of this.#server.modelLifeCycle.entries()) {
      if (modelIdText(id) === name || id.name === name) return versions;
    }
    return [];
  }

  async #control(
    name: string,
    action: 'load' | 'unload',
  ): Promise<{ status: number; text: string }> {
    const reply = await injectRequest(this.#server.httpHandler, {
      method: 'POST',
      path: `/v2/repository/models/${encodeURIComponent(name)}/${action}`,
    });
    return { status: reply.status, text: reply.body.toString() };
  }
}
