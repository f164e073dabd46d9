/** Bits of a digit by which indexes are counted. */
const digitBits = 11;
const digitCount = 1 << digitBits;
const digitMask = digitCount - 1;
/** From the highest to the lowest. */
const digitsDown = [
  [21, 0x7ff],
  [10, 0x7ff],
  [0, 0x3ff],
] as const;
const allBits = 0xffff_ffff;
/** So few indexes are sorted by insertion, before the counts of one digit would be set to zero. */
const insertedMax = 48;
/** Used within one call alone. */
const counts = new Uint32Array(digitCount);

/** Elements by a number whose least is the best; `low` decides where `high` is the same, and is null where that is all. */
export interface OrderKeys {
  readonly high: Uint32Array;
  readonly low: Uint32Array | null;
}

/**
 * Indexes of the elements that come first, in their order; the lower index first where keys are the same. Takes a
 * time that grows with the elements and not with how they lie: the last key that is wanted is found by counting
 * digits, then only what is wanted is sorted.
 */
export function firstElements(keys: OrderKeys, count: number): Uint32Array {
  const wanted = count < keys.high.length ? unsortedFirst(keys, count) : all(keys.high);
  return wanted.length <= insertedMax ? insertionSorted(wanted, keys) : radixSorted(wanted, keys);
}

/** Whether the order of the first elements, or which they are, depends on equal ones. */
export function hasTies({ high, low }: OrderKeys, first: Uint32Array): boolean {
  const same = (a: number, b: number): boolean =>
    high[a] === high[b] && (low === null || low[a] === low[b]);
  for (let at = 1; at < first.length; at++) if (same(first[at - 1]!, first[at]!)) return true;
  if (first.length === high.length) return false;
  const last = first[first.length - 1]!;
  for (let index = 0; index < high.length; index++) {
    if (index !== last && same(index, last)) return true;
  }
  return false;
}

function all({ length }: Uint32Array): Uint32Array {
  const indexes = new Uint32Array(length);
  for (let index = 0; index < length; index++) indexes[index] = index;
  return indexes;
}

/** Those that come first, by index. */
function unsortedFirst({ high, low }: OrderKeys, count: number): Uint32Array {
  const { value: lastHigh, before: surely } = lastOf(high, null, count);
  const ties = low === null ? null : indexesOf(high, null, lastHigh, 0, allBits, high.length);
  const { value: lastLow, before } =
    low === null ? { value: 0, before: 0 } : lastOf(low, ties, count - surely);
  const indexes = new Uint32Array(count);
  let same = count - surely - before;
  let at = 0;
  for (let index = 0; at < count; index++) {
    const word = high[index]!;
    if (word > lastHigh) continue;
    if (word === lastHigh) {
      const lowWord = low === null ? 0 : low[index]!;
      if (lowWord > lastLow) continue;
      if (lowWord === lastLow && --same < 0) continue;
    }
    indexes[at++] = index;
  }
  return indexes;
}

/**
 * The word that has the place `count` among the sorted ones, and how many are below it.
 * @param indexes Of those that are looked at; null for all.
 */
function lastOf(
  words: Uint32Array,
  indexes: Uint32Array | null,
  count: number,
): { value: number; before: number } {
  let value = 0;
  let before = 0;
  let among = indexes;
  for (const [shift, mask] of digitsDown) {
    counts.fill(0);
    const length = among === null ? words.length : among.length;
    for (let at = 0; at < length; at++) {
      const index = among === null ? at : among[at]!;
      counts[(words[index]! >>> shift) & mask]!++;
    }
    let digit = 0;
    for (; before + counts[digit]! < count; digit++) before += counts[digit]!;
    value |= digit << shift;
    if (shift > 0 && counts[digit]! < length) {
      among = indexesOf(words, among, digit, shift, mask, counts[digit]!);
    }
  }
  return { value: value >>> 0, before };
}

/** Indexes of the words that have this digit. @param countMax As many as there are, or more. */
function indexesOf(
  words: Uint32Array,
  among: Uint32Array | null,
  digit: number,
  shift: number,
  mask: number,
  countMax: number,
): Uint32Array {
  const found = new Uint32Array(countMax);
  const length = among === null ? words.length : among.length;
  let count = 0;
  for (let at = 0; at < length; at++) {
    const index = among === null ? at : among[at]!;
    if (((words[index]! >>> shift) & mask) >>> 0 === digit) found[count++] = index;
  }
  return found.subarray(0, count);
}

function insertionSorted(indexes: Uint32Array, { high, low }: OrderKeys): Uint32Array {
  for (let next = 1; next < indexes.length; next++) {
    const index = indexes[next]!;
    let at = next;
    for (; at > 0; at--) {
      const before = indexes[at - 1]!;
      const isLater =
        high[before] === high[index]
          ? low !== null && low[before]! > low[index]!
          : high[before]! > high[index]!;
      if (!isLater) break;
      indexes[at] = before;
    }
    indexes[at] = index;
  }
  return indexes;
}

/** From the lowest digit to the highest, each pass keeping the order of the one before. */
function radixSorted(indexes: Uint32Array, { high, low }: OrderKeys): Uint32Array {
  let from = indexes;
  let to: Uint32Array = new Uint32Array(indexes.length);
  for (const words of low === null ? [high] : [low, high]) {
    for (let shift = 0; shift < 32; shift += digitBits) {
      if (!countDigits(from, words, shift)) continue;
      placeByDigit(from, to, words, shift);
      [from, to] = [to, from];
    }
  }
  return from;
}

/** Leaves in `counts` where those of each digit start. @returns false where all have the same. */
function countDigits(indexes: Uint32Array, words: Uint32Array, shift: number): boolean {
  counts.fill(0);
  const { length } = indexes;
  for (let at = 0; at < length; at++) counts[(words[indexes[at]!]! >>> shift) & digitMask]!++;
  if (counts[(words[indexes[0]!]! >>> shift) & digitMask] === length) return false;
  let start = 0;
  for (let digit = 0; digit < digitCount; digit++) {
    const count = counts[digit]!;
    counts[digit] = start;
    start += count;
  }
  return true;
}

function placeByDigit(from: Uint32Array, to: Uint32Array, words: Uint32Array, shift: number): void {
  const { length } = from;
  for (let at = 0; at < length; at++) {
    const index = from[at]!;
    const digit = (words[index]! >>> shift) & digitMask;
    to[counts[digit]!++] = index;
  }
}
