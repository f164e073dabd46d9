#!/usr/bin/env node
'use strict';
// `nereid COMMAND ARGUMENTS…`; `nereid serve FLAGS…` is `tritonserver FLAGS…`.

const commands = require('./commands.js');

const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 2;
const rows = Object.entries(commands).map(([name, [, does]]) => `  ${name.padEnd(width)}${does}`);
const usage = `Usage: nereid COMMAND [arguments]

${rows.join('\n')}

\`nereid COMMAND --help\` tells the arguments of each.
`;

const [command, ...argv] = process.argv.slice(2);
if (command !== undefined && Object.hasOwn(commands, command)) {
  require('./launch.js')(commands[command][0], argv);
} else if (command === 'complete') {
  // What the scripts of `nereid completion` ask: for shells, not for people.
  require('./launch.js')('cli/completion-main', argv);
} else if (command === '--version' || command === '-V') {
  process.stdout.write(`${require('../package.json').version}\n`);
} else if (command === undefined || ['help', '--help', '-h'].includes(command)) {
  process.stdout.write(usage);
} else {
  process.stderr.write(`nereid: unknown command '${command}'\n\n${usage}`);
  // As every command ends that is called wrongly.
  process.exitCode = 2;
}
