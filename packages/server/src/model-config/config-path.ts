import { join } from 'node:path';

/**
 * Where a model's configuration may lie, the first that exists counting: `configs/<name>.pbtxt` with
 * --model-config-name, then `config.pbtxt`.
 * @param configName '' without --model-config-name
 */
export function configPaths(modelDirectory: string, configName: string): readonly string[] {
  const usual = join(modelDirectory, 'config.pbtxt');
  return configName === ''
    ? [usual]
    : [join(modelDirectory, 'configs', `${configName}.pbtxt`), usual];
}
