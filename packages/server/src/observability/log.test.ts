import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@nereid/test-kit';
import { describe, expect, test } from 'vitest';
import { Log, type LogConfiguration, openLog } from './log.ts';
import { type LogDestination, type LogStream, streamDestination } from './log-destination.ts';

const configuration: LogConfiguration = {
  info: true,
  warning: true,
  error: true,
  verboseLevel: 0,
  format: 'default',
  file: '',
  escapeMessages: true,
};

function open(extras: Partial<LogConfiguration> = {}): { log: Log; out: string[]; err: string[] } {
  const out: string[] = [];
  const err: string[] = [];
  const destination = (lines: string[]): LogDestination => ({
    write: (text) => void lines.push(text),
    reopen() {},
    close() {},
  });
  const options = { ...configuration, ...extras };
  const log = new Log(options, new ManualClock(), destination(out), destination(err));
  return { log, out, err };
}

/** Lines depend on where this file calls from: the number is taken out. */
function withoutLine(text: string | undefined): string | undefined {
  return text?.replace(/:\d+\] /, ':<line>] ');
}

describe('Log', () => {
  test('writes Triton’s default form, with the caller’s file and line', () => {
    const { log, out } = open();
    log.logger('a.ts').info('Started "it"');
    const here = new Error().stack?.split('\n')[1]?.match(/:(\d+):\d+\)?$/)?.[1];
    expect(out).toEqual([
      `I0102 15:04:05.123000 ${process.pid} log.test.ts:${Number(here) - 1}] "Started \\"it\\""\n`,
    ]);
  });

  test('writes ISO 8601', () => {
    const { log, err } = open({ format: 'ISO8601' });
    log.logger('a.ts').warning('x');
    expect(withoutLine(err[0])).toBe(
      `2026-01-02T15:04:05Z W ${process.pid} log.test.ts:<line>] "x"\n`,
    );
  });

  test('writes each message as a JSON object', () => {
    const { log, out, err } = open({ format: 'json', verboseLevel: 1 });
    const logger = log.logger('a.ts');
    logger.info('served', { model: 'm', id: 'a\n"b"\u009b', total_ms: 1.5 });
    logger.verbose(1, 'v');
    logger.warning('w\u2028');
    logger.table('', ['+---+', '| a |']);
    const parsed = [...out, ...err].map((line) => JSON.parse(line));
    const head = { time: '2026-01-02T15:04:05.123Z', pid: process.pid, source: 'log.test.ts' };
    expect(parsed).toEqual([
      {
        ...head,
        level: 'info',
        line: expect.any(Number),
        message: 'served',
        model: 'm',
        id: 'a\n"b"\u009b',
        total_ms: 1.5,
      },
      { ...head, level: 'info', line: expect.any(Number), message: 'v' },
      { ...head, level: 'info', line: expect.any(Number), message: '+---+\n| a |' },
      { ...head, level: 'warning', line: expect.any(Number), message: 'w\u2028' },
    ]);
    for (const line of [...out, ...err]) expect(line).toMatch(/^[^\p{Cc}\u2028\u2029]+\n$/u);
  });

  test('writes fields behind the message, odd ones in quotes', () => {
    const { log, out } = open({ escapeMessages: false });
    log.logger('a.ts').info('served', { model: 'm-1', id: 'a b"', empty: '', ms: 2 });
    expect(out[0]).toMatch(/\] served model=m-1 id="a b\\"" empty="" ms=2\n$/);
  });

  test('sends information to one place, warnings and errors to another', () => {
    const { log, out, err } = open({ verboseLevel: 1 });
    const logger = log.logger('a.ts');
    logger.info('i');
    logger.verbose(1, 'v');
    logger.warning('w');
    logger.error('e');
    expect(out.map((line) => line[0])).toEqual(['I', 'I']);
    expect(err.map((line) => line[0])).toEqual(['W', 'E']);
  });

  test('follows its settings from the next message on', () => {
    const { log, out, err } = open({ info: false, warning: false, error: false });
    const logger = log.logger('a.ts');
    const speak = (): void => {
      logger.info('i');
      logger.warning('w');
      logger.error('e');
      logger.verbose(2, 'v');
      logger.table('', ['t']);
    };
    speak();
    expect([...out, ...err]).toEqual([]);
    Object.assign(log.settings, { info: true, warning: true, error: true, verboseLevel: 2 });
    expect([logger.isVerbose(2), logger.isVerbose(3)]).toEqual([true, false]);
    speak();
    expect([out.length, err.length]).toEqual([3, 2]);
  });

  test('writes a table as it is below its first line', () => {
    const { log, out } = open();
    log.logger('a.ts').table('', ['+--+', '| "\u001b[31m |']);
    expect(withoutLine(out[0])).toBe(
      `I0102 15:04:05.123000 ${process.pid} log.test.ts:<line>] \n+--+\n| "\\u001b[31m |\n\n`,
    );
  });

  test.each([true, false])('lets no control character pass, escaping %s', (escapeMessages) => {
    const { log, err } = open({ escapeMessages });
    const all = String.fromCharCode(...Array.from({ length: 160 }, (_, code) => code));
    log.logger('a.ts').error(`${all}\u2028\nI0102 forged`);
    expect(err[0]!.replace(/\n$/, '').replace(/[\t\n]/g, '')).not.toMatch(/[\p{Cc}\u2028]/u);
    // Nothing of the message stands at the beginning of a line.
    expect(err[0]!.split('\n').slice(1).join('')).not.toMatch(/^\S/m);
  });

  test('leaves messages unquoted when escaping is off', () => {
    const { log, out } = open({ escapeMessages: false });
    log.logger('a.ts').info('say "hi" \\');
    expect(out[0]).toMatch(/\] say "hi" \\\n$/);
  });

  test('appends everything to a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'log-'));
    try {
      const file = join(folder, 'server.log');
      for (const message of ['first', 'second']) {
        const log = openLog({ ...configuration, file }, new ManualClock());
        log.logger('a.ts').info(message);
        log.logger('a.ts').error(message);
        log.close();
        log.logger('a.ts').info('lost, not thrown');
      }
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      expect(lines.map((line) => line.replace(/ .*\] /, ' '))).toEqual([
        'I0102 "first"',
        'E0102 "first"',
        'I0102 "second"',
        'E0102 "second"',
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('says so when the log file cannot be opened', () => {
    const file = join(tmpdir(), 'no-such-folder', 'x', 'server.log');
    expect(() => openLog({ ...configuration, file }, new ManualClock())).toThrow(/ENOENT/);
  });

  test('outlives a full disk', () => {
    const log = openLog({ ...configuration, file: '/dev/full' }, new ManualClock());
    log.logger('a.ts').error('nowhere to go');
    log.close();
  });

  test('outlives a stream that fails, by event or by exception', () => {
    const listeners: ((error: Error) => void)[] = [];
    const stream: LogStream = {
      write() {
        throw new Error('ERR_STREAM_DESTROYED');
      },
      on: (_event, listener) => listeners.push(listener),
    };
    streamDestination(stream).write('x');
    streamDestination(stream).write('y');
    // However many logs there are, the stream has one listener.
    expect(listeners).toHaveLength(1);
    listeners[0]!(new Error('EPIPE'));
  });
});
