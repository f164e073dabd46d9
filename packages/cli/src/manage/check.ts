import type { Command } from '../command/command.ts';
import { exitStatus } from '../command/exit-status.ts';
import { folderOptions, modelFolders } from './model-folders.ts';

/** What the doctor ends with: errors; warnings at most; called wrongly. */
const doctorStatus = { errors: 1, warnings: 2, usage: 3 };

/** The bundle beside that of this command. */
const doctorBundle = '../doctor-main.js';

/** `nereid manage check`. */
export const check: Command = {
  name: 'manage check',
  summary: 'say what is wrong with the repository on disk, without a server',
  details: `Looks at the folders and configurations, and loads each model once to see whether it can be served. Ends with 1
for errors, and for warnings too with --strict. It is the doctor: \`nereid doctor --help\` tells how to have it
look at a server and its flags.`,
  positionals: [],
  options: {
    'no-load': { type: 'boolean', help: 'read the configurations, but do not load the models' },
    strict: { type: 'boolean', help: 'warnings are errors' },
    json: { type: 'boolean', help: 'print JSON' },
    ...folderOptions,
  },
  async run(given, context) {
    const { models } = modelFolders(given, context);
    // No port is opened: those of a server that runs are no problem of the repository.
    const ports = ['--http-port=0', '--grpc-port=0', '--metrics-port=0'];
    const flags = ['json', 'no-load'].filter((name) => given.flag(name)).map((name) => `--${name}`);
    const { main } = await import(new URL(doctorBundle, import.meta.url).href);
    await main([...flags, `--model-repository=${models}`, ...ports]);
    const status = Number(process.exitCode ?? 0);
    if (status === doctorStatus.usage) return exitStatus.usage;
    if (status === doctorStatus.errors) return exitStatus.failed;
    return status === doctorStatus.warnings && given.flag('strict') ? exitStatus.failed : undefined;
  },
};
