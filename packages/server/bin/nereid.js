#!/usr/bin/env node
'use strict';
// `nereid serve FLAGS…` is `tritonserver FLAGS…`.
const [command] = process.argv.slice(2);
const usage = `Usage: nereid serve [flags]

  serve   run the inference server; takes the flags of tritonserver (nereid serve --help)
`;

if (command === 'serve') {
  process.argv.splice(2, 1);
  require('./launch.js');
} else if (command === undefined || command === 'help' || command === '--help') {
  process.stdout.write(usage);
} else {
  process.stderr.write(`nereid: unknown command '${command}'\n\n${usage}`);
  process.exitCode = 1;
}
