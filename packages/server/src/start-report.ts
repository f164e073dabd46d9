import { tritonVersion } from './control-plane/control-plane.ts';
import { serverExtensions } from './control-plane/server-extensions.ts';
import type { Logger } from './core/logger.ts';
import { modelIdText } from './core/model-key.ts';
import type { BackendRegistry } from './lifecycle/backend-registry.ts';
import type { ModelLifeCycle } from './lifecycle/model-life-cycle.ts';
import {
  backendTable,
  drawTable,
  type ModelStatusRow,
  modelTable,
  optionsTable,
  repositoryAgentTable,
} from './observability/status-table.ts';
import type { ServerOptions } from './options/server-options.ts';
import { withoutSecrets } from './options/setting-format.ts';

/** Writes Triton's start-up tables: what there is, what became of the models, what was asked for. */
export function reportStart(
  options: ServerOptions,
  backends: BackendRegistry,
  lifeCycle: ModelLifeCycle,
  logger: Logger,
): void {
  const tables = [
    repositoryAgentTable([]),
    backendTable(backendRows(options, backends)),
    modelTable(modelRows(lifeCycle)),
    optionsTable(optionRows(options)),
  ];
  for (const table of tables) logger.table('', drawTable(table));
}

function backendRows(
  options: ServerOptions,
  backends: BackendRegistry,
): { name: string; path: string; config: string }[] {
  const settings = options.backend.config;
  return backends.names().map((name) => ({
    name,
    path: 'built in',
    config: JSON.stringify({
      cmdline: Object.fromEntries(
        [...(settings.get(name) ?? [])].map(([key, value]) => [key, shownValue(key, value)]),
      ),
    }),
  }));
}

/** The table is in the log, which more people read than may know a password. */
function shownValue(key: string, value: string): string {
  return withoutSecrets(`${key}=${value}`).slice(key.length + 1);
}

function modelRows(lifeCycle: ModelLifeCycle): ModelStatusRow[] {
  const rows = [...lifeCycle.entries()].flatMap(({ id, versions }): ModelStatusRow[] => {
    const model = modelIdText(id);
    if (versions.length === 0) return [{ model, version: null, state: '', reason: '' }];
    return versions.map(({ version, state, reason }) => ({ model, version, state, reason }));
  });
  // Versions of a model are in order already, and sorting keeps them so.
  return rows.sort((a, b) => (a.model < b.model ? -1 : a.model > b.model ? 1 : 0));
}

function optionRows(options: ServerOptions): [string, string][] {
  const repository = options.modelRepository;
  const startupModels = repository.startupModelsAll ? ['*'] : repository.startupModels;
  return [
    ['server_id', options.serverId],
    ['server_version', tritonVersion],
    ['server_extensions', serverExtensions.join(' ')],
    ...repository.paths.map((path, i): [string, string] => [`model_repository_path[${i}]`, path]),
    ['model_control_mode', `MODE_${repository.controlMode.toUpperCase()}`],
    ...startupModels.map((name, i): [string, string] => [`startup_models_${i}`, name]),
    ['strict_model_config', repository.autoCompleteConfig ? '0' : '1'],
    ['model_config_name', repository.modelConfigName],
    ['strict_readiness', repository.strictReadiness ? '1' : '0'],
    ['rate_limit', options.rateLimits === null ? 'OFF' : 'EXEC_COUNT'],
    ['exit_timeout', String(options.exitTimeoutSecs)],
    ['cache_enabled', options.cache.settings.size > 0 ? '1' : '0'],
  ];
}
