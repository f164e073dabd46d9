#!/usr/bin/env node
'use strict';
// `nereid serve FLAGS…` is `tritonserver FLAGS…`.

/** Bundles by command. */
const bundles = { serve: 'main', doctor: 'doctor-main' };
const usage = `Usage: nereid COMMAND [flags]

  serve    run the inference server; takes the flags of tritonserver (nereid serve --help)
  doctor   say what is wrong or slow, and what to do (nereid doctor --help)
`;

const [command, ...argv] = process.argv.slice(2);
if (command !== undefined && Object.hasOwn(bundles, command)) {
  require('./launch.js')(bundles[command], argv);
} else if (command === undefined || command === 'help' || command === '--help') {
  process.stdout.write(usage);
} else {
  process.stderr.write(`nereid: unknown command '${command}'\n\n${usage}`);
  process.exitCode = 1;
}
