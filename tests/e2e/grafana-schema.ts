import { join } from 'node:path';
import ts from 'typescript';
import { checkout } from './checkout.ts';

/** What of a panel decides how its parts are typed. */
export interface TypedPanel {
  readonly type: string;
  readonly options?: object;
  readonly fieldConfig?: { readonly defaults?: { readonly custom?: object } };
  readonly targets?: readonly object[];
}

const file = join(checkout, 'tests', 'e2e', 'grafana-dashboard-as-code.ts');

/**
 * Grafana's schema knows a panel's options and queries only by the panel's plugin: they are held against these
 * as well. Enumerations are written as what they stand for.
 */
const head = `
import type { Dashboard, DataQuery, DataSourceRef } from '@grafana/schema';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
type Written<T> = T extends string ? \`\${T}\`
  : T extends number | boolean | null | undefined ? T
  : T extends readonly (infer E)[] ? Written<E>[]
  : T extends object ? { [K in keyof T]: Written<T[K]> } : T;
interface PrometheusQuery extends DataQuery {
  datasource: DataSourceRef;
  expr: string;
  legendFormat?: string;
  instant?: boolean;
  exemplar?: boolean;
  format?: 'time_series' | 'table' | 'heatmap';
}
`;

/** What is wrong with a dashboard by the types that Grafana publishes; unknown fields are wrong too. */
export function grafanaSchemaErrors(dashboard: {
  readonly panels: readonly TypedPanel[];
}): readonly string[] {
  const constants = [`export const dashboard: Written<Dashboard> = ${JSON.stringify(dashboard)};`];
  for (const { type, options, fieldConfig, targets } of dashboard.panels) {
    if (type === 'row') continue;
    const add = (typeName: string, value: unknown): void => {
      constants.push(
        `export const part${constants.length}: ${typeName} = ${JSON.stringify(value)};`,
      );
    };
    add(`Written<${type}.Options>`, options);
    add(`Written<${type}.FieldConfig>`, fieldConfig?.defaults?.custom ?? {});
    add('PrometheusQuery[]', targets);
  }
  return compilerErrors(head + constants.join('\n'));
}

function compilerErrors(source: string): readonly string[] {
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.getSourceFile = (name, ...rest) =>
    name === file
      ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2023)
      : getSourceFile(name, ...rest);
  const program = ts.createProgram([file], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
