import { InferenceError } from '@nereid/client';
import { describe, expect, it } from 'vitest';
import { testContext } from '../testing/test-context.ts';
import type { Command } from './command.ts';
import { notFoundError } from './exit-status.ts';
import { type CommandGroup, runGroup } from './run-command.ts';

const echo: Command = {
  name: 'group echo',
  summary: 'say it',
  positionals: [{ name: 'WORD', required: true }],
  options: {
    loud: { type: 'boolean', short: 'l', help: 'with an exclamation mark' },
    times: { type: 'string', value: 'N', help: 'so often' },
    old: { type: 'boolean', help: 'not shown', hidden: true },
  },
  async run(given, context) {
    const [word = ''] = given.positionals;
    if (word === 'absent') throw notFoundError('there is no absent');
    if (word === 'refused') throw new InferenceError('INVALID_ARGUMENT', 'no\u001b[2J', 400);
    const line = `${word}${given.flag('loud') ? '!' : ''}\n`;
    context.stdout.write(line.repeat(given.integer('times', 1, 1, 9)));
    return undefined;
  },
};
const group: CommandGroup = { name: 'group', summary: 'things', commands: [echo] };

async function run(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  const context = testContext();
  const status = await runGroup(group, argv, context);
  return { status, out: context.out(), err: context.err() };
}

describe('runGroup', () => {
  it('runs a command', async () => {
    expect(await run('echo', '-l', 'hi', '--times=2')).toEqual({
      status: 0,
      out: 'hi!\nhi!\n',
      err: '',
    });
  });

  it.each([
    [['ehco'], 2, "there is no command 'ehco': did you mean echo?"],
    [['echo'], 2, 'the argument WORD is missing'],
    [['echo', 'a', 'b'], 2, "there is no place for the argument 'b'"],
    [['echo', 'a', '--lout'], 2, 'there is no option --lout: did you mean --loud?'],
    [['echo', 'a', '--times', 'x'], 2, "--times takes a number from 1 to 9, not 'x'"],
    [['echo', 'a', '--times', '1.5'], 2, "--times takes a whole number, not '1.5'"],
    [['echo', 'a', '--times'], 2, "'--times <value>' argument missing"],
    [['echo', 'absent'], 4, 'there is no absent'],
    [['echo', 'refused'], 1, 'no\\u001b[2J'],
  ])('ends %j with %i', async (argv, status, message) => {
    const end = await run(...argv);
    expect(end.err).toContain(message);
    expect(end).toMatchObject({ status, out: '' });
  });

  it('shows what there is', async () => {
    const { out, status } = await run('--help');
    expect(status).toBe(0);
    expect(out).toContain('  echo  say it\n');
    const help = await run('echo', '--help');
    expect(help.out).toContain('Usage: nereid group echo WORD [options]');
    expect(help.out).toContain('  -l, --loud  with an exclamation mark');
    expect(help.out).not.toContain('--old');
  });
});
