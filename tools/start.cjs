'use strict';
// `npm start [-- flags]`: installs what is missing, builds, and serves. Without a repository among
// the flags it serves examples/models. CommonJS for the sake of thread-pool.js, which says why.
require('../packages/server/bin/thread-pool.js');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const root = join(__dirname, '..');
const repositoryFlag = /^--model-(repository|store)(=|$)/u;
const tool = (name) => import(pathToFileURL(join(__dirname, name)).href);

async function start() {
  const { ensureInstalled } = await tool('installed.mjs');
  ensureInstalled();
  const { build } = await tool('build.mjs');
  await build();
  const flags = process.argv.slice(2);
  if (!flags.some((flag) => repositoryFlag.test(flag) || flag === '--help')) {
    flags.push(`--model-repository=${join(root, 'examples', 'models')}`);
  }
  // The server takes this process over, so that signals and the exit status are its own.
  process.argv.splice(2, process.argv.length, ...flags);
  require('../packages/server/bin/tritonserver.js');
}

start().catch((error) => {
  console.error(error);
  process.exit(1);
});
