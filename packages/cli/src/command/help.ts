import type { Command, OptionSpec } from './command.ts';

const indent = 4;
const widthMax = 30;

/** `nereid manage load-model --help`. */
export function commandHelp(command: Command): string {
  const positionals = command.positionals.map(({ name, required, multiple }) => {
    const text = multiple === true ? `${name}...` : name;
    return required ? text : `[${text}]`;
  });
  const usage = ['nereid', command.name, ...positionals, '[options]'].join(' ');
  const rows = Object.entries(command.options)
    .filter(([, { hidden }]) => hidden !== true)
    .map(([name, option]) => [optionText(name, option), optionHelp(option)] as const);
  const parts = [
    `Usage: ${usage}`,
    `${capital(command.summary)}.`,
    `Options:\n${table([...rows, ['-h, --help', 'show this']])}`,
    ...(command.details === undefined ? [] : [command.details.trim()]),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** The help of a group of commands: `nereid manage --help`. */
export function groupHelp(group: string, summary: string, commands: readonly Command[]): string {
  const rows = commands.map(
    ({ name, summary: does }) => [name.slice(group.length + 1), does] as const,
  );
  return `Usage: nereid ${group} COMMAND [arguments]

${capital(summary)}.

${table(rows)}

\`nereid ${group} COMMAND --help\` tells the arguments of each.
`;
}

/** Two columns; what does not fit into the first has a line of its own. */
function table(rows: readonly (readonly [string, string])[]): string {
  const lengths = rows.map(([left]) => left.length).filter((length) => length <= widthMax);
  const width = Math.max(0, ...lengths);
  return rows
    .map(([left, right]) =>
      left.length > width
        ? `  ${left}\n${' '.repeat(width + indent)}${right}`
        : `  ${left.padEnd(width)}  ${right}`,
    )
    .join('\n');
}

function optionText(name: string, { type, short, value }: OptionSpec): string {
  const letter = short === undefined ? '' : `-${short}, `;
  return `${letter}--${name}${type === 'string' ? ` ${value ?? 'VALUE'}` : ''}`;
}

function optionHelp({ help, multiple }: OptionSpec): string {
  return multiple === true ? `${help}; may be given several times` : help;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
