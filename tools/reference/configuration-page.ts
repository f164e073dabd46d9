import { type ModelConfigField, modelConfigFields } from '@nereid/protocol';
import { code, markdownTable, writtenNotice } from './markdown.ts';

const supportMarks: Readonly<Record<ModelConfigField['support'], string>> = {
  honoured: '',
  checked: ' ○',
  kept: ' ◌',
};

const introduction = `# Model configuration

The fields of \`config.pbtxt\`, protobuf text of Triton's \`ModelConfig\`. In a path, \`[]\` is each entry of a list and \`{}\` each
entry of a map. What a configuration leaves out is taken from the model file where that tells (unless the server runs with
\`--disable-auto-complete-config\`), else it has the default. \`GET /v2/models/{model}/config\` shows the result.

Marks: ○ is checked but has no effect yet, ◌ is read and shown as it is.`;

/** docs/reference/configuration.md: every field of a model's configuration. */
export function configurationPage(): string {
  const topLevel = modelConfigFields.filter((field) => !field.path.includes('.'));
  const sections = topLevel.flatMap((top) => {
    const inside = modelConfigFields.filter((field) => topOf(field) === top.path && field !== top);
    return inside.length === 0 ? [] : [`## ${top.path}\n\n${table(inside)}`];
  });
  return `${[writtenNotice, introduction, table(topLevel), ...sections].join('\n\n')}\n`;
}

/** `input[].dims` belongs to `input`. */
function topOf(field: ModelConfigField): string {
  return field.path.replace(/[[{.].*$/, '');
}

function table(fields: readonly ModelConfigField[]): string {
  return markdownTable(['Field', 'Type', 'Default', 'Meaning'], fields.map(row));
}

function row(field: ModelConfigField): string[] {
  const choice = field.choice === null ? '' : ` At most one of the ${code(field.choice)} fields.`;
  return [
    code(field.path) + supportMarks[field.support],
    field.type,
    code(field.default),
    field.description + choice,
  ];
}
