'use strict';
require('./thread-pool.js');
// Runs a command of the built package; in a checkout that has not been built yet, builds it first.
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { setFlagsFromString } = require('node:v8');

/** @param {string} bundle Of dist/: it exports `main(argv)`. */
async function run(bundle, argv) {
  const built = join(__dirname, '..', 'dist', `${bundle}.js`);
  if (!existsSync(built)) {
    const builder = join(__dirname, '..', '..', '..', 'tools', 'build.mjs');
    if (!existsSync(builder))
      throw new Error(`this package holds no dist/${bundle}.js: install it again`);
    const { build } = await import(pathToFileURL(builder).href);
    await build();
  }
  // V8 counts tensors as memory outside of its heap, and collects all of a small heap after every few megabytes of fresh
  // ones. That it may grow to four times what is alive is what V8 does by itself at most.
  setFlagsFromString('--heap-growing-percent=300');
  // What runs once is not worth V8's optimising compiler, whose code and results take 4 MB of memory.
  setFlagsFromString('--no-opt');
  try {
    const { main } = await import(pathToFileURL(built).href);
    await main(argv);
  } finally {
    setFlagsFromString('--opt');
  }
}

module.exports = function launch(bundle, argv) {
  run(bundle, argv).catch((error) => {
    console.error(error);
    process.exit(1);
  });
};
