import { expect, it } from 'vitest';
import { compileTypeScript } from './typescript.ts';

it('takes types out and leaves every line where it was', () => {
  const source = `import type { A } from 'a';
import { b, type C } from 'b';

export abstract class D<T extends A = A> implements C {
  declare x: number;
  constructor(private readonly y?: string) {}
  z(w: T): w is never { throw new Error(b as string); }
}
const v = <const T,>(t: T) => t satisfies unknown;`;
  const lines = compileTypeScript(source, '/m/model.ts').split('\n');
  expect(lines).toHaveLength(source.split('\n').length);
  expect(lines[1]).toMatch(/^import \{ *b,? *\} from 'b';$/u);
  expect(lines[6]).toContain('throw new Error(b');
});

it('says where a file is wrong', () => {
  expect(() => compileTypeScript('const a = 1;\nconst = 2;', '/m/model.ts')).toThrow(
    /^\/m\/model\.ts: .*\(2:7\)/u,
  );
});
