import { describe, expect, it } from 'vitest';
import { CommandRunner } from './run-command.ts';

const options = { directory: '/', timeoutMs: 60_000 };

/** What it starts holds its output open: the command is not over before that has ended. */
const script = 'sleep 600 & echo begun; wait';

describe('a command', () => {
  it('tells how it ended, and what it said last', async () => {
    const runner = new CommandRunner();
    const heard: string[] = [];
    const line = (text: string): void => void heard.push(text);
    const said = await runner.run('sh', ['-c', 'echo one; echo two'], { ...options, line });
    expect(said).toEqual({ ok: true, lines: ['one', 'two'] });
    expect(heard).toEqual(['one', 'two']);
    expect(await runner.run('sh', ['-c', 'exit 3'], options)).toEqual({ ok: false, lines: [] });
    const absent = await runner.run('/no/such/command', [], options);
    expect(absent).toEqual({ ok: false, lines: ['spawn /no/such/command ENOENT'] });
  });

  it('is ended after its time with all that it has started', async () => {
    const { ok, lines } = await new CommandRunner().run('sh', ['-c', script], {
      ...options,
      timeoutMs: 200,
    });
    expect([ok, ...lines.slice(-2)]).toEqual([
      false,
      'sh took longer than 0.2 s',
      'sh was ended by SIGKILL',
    ]);
  });

  it('is ended with the server, and none begins after that', async () => {
    const runner = new CommandRunner();
    const ended = runner.run('sh', ['-c', script], { ...options, line: () => runner.stop() });
    const { ok, lines } = await ended;
    expect([ok, lines.at(-1)]).toEqual([false, 'sh was ended by SIGKILL']);
    expect(await runner.run('true', [], options)).toEqual({
      ok: false,
      lines: ['the server stops'],
    });
  });
});
