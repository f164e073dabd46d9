'use strict';
// Models run on libuv's threads, four by default. It reads this once, before the first file is read
// off the loop: which loading an ES module does, so this file is none, and who needs it loads it first.
const { availableParallelism } = require('node:os');

process.env.UV_THREADPOOL_SIZE ??= String(Math.max(8, availableParallelism() + 4));
