import type { Command } from '../command/command.ts';
import { usageError } from '../command/exit-status.ts';
import { shellScripts } from './shell-scripts.ts';

/** `nereid completion`. */
export const completion: Command = {
  name: 'completion',
  summary: 'print what makes a shell complete the commands of nereid',
  details: `  bash   echo 'source <(nereid completion bash)' >> ~/.bashrc
  zsh    nereid completion zsh > "\${fpath[1]}/_nereid"
  fish   nereid completion fish > ~/.config/fish/completions/nereid.fish`,
  positionals: [{ name: 'SHELL', required: true, completes: ['bash', 'zsh', 'fish'] }],
  options: {},
  async run(given, context) {
    const [shell = ''] = given.positionals;
    if (!Object.hasOwn(shellScripts, shell)) {
      throw usageError(`there are completions for bash, zsh and fish, not for '${shell}'`);
    }
    context.stdout.write(shellScripts[shell as keyof typeof shellScripts]);
    return undefined;
  },
};
