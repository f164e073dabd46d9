#!/usr/bin/env node
'use strict';
// `tritonserver FLAGS…`: the command line of Triton.
require('./launch.js')('main', process.argv.slice(2));
