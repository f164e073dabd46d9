import { type OptionSpec, optionGroups } from '../../packages/server/src/options/option-spec.ts';
import { optionTable } from '../../packages/server/src/options/option-table.ts';
import { sentences } from '../../packages/server/src/options/usage.ts';
import { code, markdownTable, writtenNotice } from './markdown.ts';

const introduction = `# Command line

\`tritonserver\` and \`nereid serve\` take every flag of Triton's server, as \`--flag value\` or \`--flag=value\`, and any
beginning of a flag that is the beginning of no other. Booleans are \`true\`, \`on\`, \`1\`, \`false\`, \`off\` and \`0\` in any case.
A flag given twice counts as given last, unless it is marked as repeatable (↻).

Flags marked ○ are accepted and checked, so that existing command lines work, but do nothing yet; the log says so once
at start. The flags under "Nereid" are ours.

Environment: \`TRITON_SERVER_ESCAPE_LOG_MESSAGES=0\` leaves log messages unquoted; \`TRITONSERVER_DELAY_SCHEDULER=N\` holds dynamic batchers back until N requests wait (for tests); \`AIP_STORAGE_URI\` names the model
repository when no flag does.`;

/** docs/reference/options.md: every flag, by group. */
export function optionsPage(): string {
  const sections = optionGroups.map((group) => {
    const specs = optionTable.filter((spec) => spec.group === group);
    const title = group === '' ? 'Help' : group === 'DEPRECATED' ? 'Deprecated' : group;
    return `## ${title}\n\n${markdownTable(['Flag', 'Value', 'Default', 'Meaning'], specs.map(row))}`;
  });
  return `${[writtenNotice, introduction, ...sections].join('\n\n')}\n`;
}

function row(spec: OptionSpec): string[] {
  const marks = (spec.repeatable ? ' ↻' : '') + (spec.honoured === 'accepted' ? ' ○' : '');
  const value = spec.argument === '' ? '' : `<${spec.argument}>`;
  return [
    code(`--${spec.flag}`) + marks,
    code(value),
    code(spec.defaultText ?? ''),
    sentences(spec),
  ];
}
