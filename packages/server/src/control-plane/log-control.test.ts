import { TritonError } from '@nereid/protocol';
import { describe, expect, it } from 'vitest';
import { type LogChange, LogControl, logFormatOf } from './log-control.ts';

const start = {
  info: true,
  warning: true,
  error: true,
  verboseLevel: 0,
  format: 'default',
} as const;
const nothing: LogChange = {
  file: false,
  info: null,
  warning: null,
  error: null,
  verboseLevel: null,
  format: null,
};

describe('log control', () => {
  it('changes what it is told to and nothing else', () => {
    const control = new LogControl({ settings: { ...start }, file: '/log' });
    control.change(nothing);
    expect(control.status()).toEqual({ ...start, file: '/log' });
    control.change({ ...nothing, warning: false, verboseLevel: 3, format: 'ISO8601' });
    expect(control.status()).toEqual({
      ...start,
      warning: false,
      verboseLevel: 3,
      format: 'ISO8601',
      file: '/log',
    });
    control.change({ ...nothing, info: false, error: false, verboseLevel: 2n ** 64n - 1n });
    expect(control.status()).toMatchObject({ info: false, error: false, verboseLevel: -1 });
  });

  it('never changes the file, and then nothing', () => {
    const control = new LogControl({ settings: { ...start }, file: '' });
    const change = (): void => control.change({ ...nothing, file: true, info: false });
    expect(change).toThrow(TritonError);
    expect(change).toThrow('log file location can not be updated through network protocol');
    expect(control.status()).toEqual({ ...start, file: '' });
  });

  it('knows formats by their exact names', () => {
    expect(['default', 'ISO8601', 'iso8601', ''].map(logFormatOf)).toEqual([
      'default',
      'ISO8601',
      null,
      null,
    ]);
  });
});
