import { describe, expect, it } from 'vitest';
import { RestrictedApis } from './restricted-apis.ts';

const groups = [
  { categories: ['model-repository', 'statistics'], key: 'Admin-Key', value: 'secret one' },
  { categories: ['trace'], key: 'ops', value: 'schlüssel=1' },
] as const;

function sent(headers: Record<string, string>): (name: string) => string | null {
  return (name) => headers[name] ?? null;
}

describe('restricted APIs', () => {
  const apis = new RestrictedApis(groups);

  it('lets everything pass that is in no group, whatever is sent', () => {
    expect(apis.missingHeader('inference', sent({}))).toBeNull();
    expect(new RestrictedApis([]).missingHeader('trace', sent({ ops: 'x' }))).toBeNull();
  });

  it('names the header that is missing, as it was configured', () => {
    expect(apis.missingHeader('statistics', sent({}))).toBe('Admin-Key');
    expect(apis.missingHeader('trace', sent({ 'admin-key': 'secret one' }))).toBe('ops');
  });

  it('compares values exactly', () => {
    const pass = (value: string) =>
      apis.missingHeader('model-repository', sent({ 'admin-key': value })) === null;
    expect(pass('secret one')).toBe(true);
    for (const wrong of ['', 'secret on', 'secret one ', 'SECRET ONE', 'secret one\0', 'x']) {
      expect([wrong, pass(wrong)]).toEqual([wrong, false]);
    }
  });

  it('compares the bytes of values that are not ASCII', () => {
    const wire = Buffer.from('schlüssel=1').toString('latin1');
    expect(apis.missingHeader('trace', sent({ ops: wire }))).toBeNull();
    expect(apis.missingHeader('trace', sent({ ops: 'schlüssel=1' }))).toBe('ops');
  });

  it('asks for the headers of two, the first ones first', () => {
    const other = new RestrictedApis([{ categories: ['trace', 'health'], key: 'b', value: '2' }]);
    const both = new RestrictedApis([{ categories: ['trace'], key: 'a', value: '1' }]).and(other);
    expect(both.missingHeader('trace', sent({ b: '2' }))).toBe('a');
    expect(both.missingHeader('trace', sent({ a: '1' }))).toBe('b');
    expect(both.missingHeader('trace', sent({ a: '1', b: '2' }))).toBeNull();
    expect(both.missingHeader('health', sent({ a: '1' }))).toBe('b');
    expect(both.missingHeader('logging', sent({}))).toBeNull();
    expect(other.missingHeader('trace', sent({ b: '2' }))).toBeNull();
  });

  it('puts a prefix before the keys', () => {
    const grpc = new RestrictedApis(groups, 'triton-grpc-protocol-');
    const metadata = sent({
      'triton-grpc-protocol-ops': Buffer.from('schlüssel=1').toString('latin1'),
    });
    expect(grpc.missingHeader('trace', metadata)).toBeNull();
    expect(grpc.missingHeader('trace', sent({ ops: 'x' }))).toBe('triton-grpc-protocol-ops');
  });
});
