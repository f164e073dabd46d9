'use strict';
/** By command: the bundle in dist/, which exports `main(argv)`, and what it does in a line. */
module.exports = {
  serve: ['main', 'run the inference server; takes the flags of tritonserver'],
  infer: ['cli/infer-main', 'run a model of a server once'],
  models: ['cli/models-main', 'list the models of a server, or tell what one takes and gives'],
  stats: ['cli/stats-main', 'tell how the models of a server fare'],
  manage: ['cli/manage-main', 'fetch, configure, load and inspect models'],
  types: ['cli/types-main', 'write TypeScript types of what models take and give'],
  completion: ['cli/completion-main', 'print what makes a shell complete these commands'],
  doctor: ['doctor-main', 'say what is wrong or slow, and what to do'],
};
