import { describe, expect, it } from 'vitest';
import { documentedCommands, outputShows } from './documented-commands.ts';

describe('the reader of documents', () => {
  const fence = '```';

  it('finds a marked command and what it shows', () => {
    const text = `# T\n\n${fence}sh\nrm -rf x\n${fence}\n<!-- test -->\n\n${fence}sh\necho 1\n${fence}\n\n${fence}text\n1\n${fence}\n`;
    expect(documentedCommands(text)).toEqual([{ line: 8, script: 'echo 1', shows: ['1'] }]);
  });

  it('refuses a mark without a command', () => {
    expect(() => documentedCommands('<!-- test -->\nwords\n')).toThrow('no block of sh');
  });

  it('takes … for anything within a line', () => {
    expect(outputShows('{"a":[0.98,1]}', '"a":[0.9…,1]')).toBe(true);
    expect(outputShows('{"a":[0.88,1]}', '"a":[0.9…,1]')).toBe(false);
    expect(outputShows('a\nb', 'a…b')).toBe(false);
  });
});
