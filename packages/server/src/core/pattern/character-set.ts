/** Only ASCII is told apart: it is all that names of headers are made of. */
const asciiCount = 128;

/** A set of ASCII characters: 1 at the code of each. */
export type CharacterSet = Uint8Array;

export function rangesSet(...ranges: readonly [first: number, last: number][]): CharacterSet {
  const set = new Uint8Array(asciiCount);
  for (const [first, last] of ranges) {
    for (let code = first; code <= Math.min(last, asciiCount - 1); code++) set[code] = 1;
  }
  return set;
}

function textSet(pairs: string): CharacterSet {
  const ranges: [number, number][] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    ranges.push([pairs.charCodeAt(i), pairs.charCodeAt(i + 1)]);
  }
  return rangesSet(...ranges);
}

export function complement(set: CharacterSet): CharacterSet {
  return set.map((member) => 1 - member);
}

export function addAll(target: CharacterSet, set: CharacterSet): void {
  for (let code = 0; code < asciiCount; code++)
    target[code] = (target[code] ?? 0) | (set[code] ?? 0);
}

/** The set with each letter in both cases. */
export function withBothCases(set: CharacterSet): CharacterSet {
  const both = set.slice();
  for (let upper = 65; upper <= 90; upper++) {
    const lower = upper + 32;
    const either = (set[upper] ?? 0) | (set[lower] ?? 0);
    both[upper] = either;
    both[lower] = either;
  }
  return both;
}

export const anyCharacter: CharacterSet = rangesSet([0, asciiCount - 1]);
export const anyButNewline: CharacterSet = rangesSet([0, 9], [11, asciiCount - 1]);
export const wordCharacters: CharacterSet = textSet('09AZ__az');

/** `\d`, `\w` and `\s`; their upper case is the complement. */
export const perlClasses: ReadonlyMap<string, CharacterSet> = new Map([
  ['d', textSet('09')],
  ['w', wordCharacters],
  ['s', textSet('\t\n\f\r  ')],
]);

/** `[:name:]`. */
export const posixClasses: ReadonlyMap<string, CharacterSet> = new Map([
  ['alnum', textSet('09AZaz')],
  ['alpha', textSet('AZaz')],
  ['ascii', anyCharacter],
  ['blank', textSet('\t\t  ')],
  ['cntrl', rangesSet([0, 31], [127, 127])],
  ['digit', textSet('09')],
  ['graph', textSet('!~')],
  ['lower', textSet('az')],
  ['print', textSet(' ~')],
  ['punct', textSet('!/:@[`{~')],
  ['space', textSet('\t\r  ')],
  ['upper', textSet('AZ')],
  ['word', wordCharacters],
  ['xdigit', textSet('09AFaf')],
]);
