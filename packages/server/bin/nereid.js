#!/usr/bin/env node
'use strict';
// `nereid COMMAND ARGUMENTS…`; `nereid serve FLAGS…` is `tritonserver FLAGS…`.

/** By command: the bundle in dist/, which exports `main(argv)`, and what it does in a line. */
const commands = {
  serve: ['main', 'run the inference server; takes the flags of tritonserver'],
  infer: ['cli/infer-main', 'run a model of a server once'],
  models: ['cli/models-main', 'list the models of a server, or tell what one takes and gives'],
  stats: ['cli/stats-main', 'tell how the models of a server fare'],
  manage: ['cli/manage-main', 'fetch, configure, load and inspect models'],
  doctor: ['doctor-main', 'say what is wrong or slow, and what to do'],
};

const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 2;
const rows = Object.entries(commands).map(([name, [, does]]) => `  ${name.padEnd(width)}${does}`);
const usage = `Usage: nereid COMMAND [arguments]

${rows.join('\n')}

\`nereid COMMAND --help\` tells the arguments of each.
`;

const [command, ...argv] = process.argv.slice(2);
if (command !== undefined && Object.hasOwn(commands, command)) {
  require('./launch.js')(commands[command][0], argv);
} else if (command === undefined || command === 'help' || command === '--help') {
  process.stdout.write(usage);
} else {
  process.stderr.write(`nereid: unknown command '${command}'\n\n${usage}`);
  process.exitCode = 1;
}
