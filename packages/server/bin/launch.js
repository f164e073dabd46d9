'use strict';
require('./thread-pool.js');
// Starts the built server; in a checkout that has not been built yet, builds it first.
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

async function launch() {
  const built = join(__dirname, '..', 'dist', 'main.js');
  if (!existsSync(built)) {
    const builder = join(__dirname, '..', '..', '..', 'tools', 'build.mjs');
    if (!existsSync(builder))
      throw new Error('this package holds no dist/main.js: install it again');
    const { build } = await import(pathToFileURL(builder).href);
    await build();
  }
  const { main } = await import(pathToFileURL(built).href);
  await main(process.argv.slice(2));
}

launch().catch((error) => {
  console.error(error);
  process.exit(1);
});
