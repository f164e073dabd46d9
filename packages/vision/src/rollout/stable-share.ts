const fnvOffset = 0x811c9dc5;
const fnvPrime = 0x01000193;

/**
 * The place of a key between 0 and 100, the same in every process and in the Python package: a rollout that has reached 25 % serves
 * the keys below 25, and keeps them when it goes on to 50. FNV-1a over UTF-8, mixed as MurmurHash3 ends.
 *
 * @param salt So that the keys which go first differ from one rollout to another.
 */
export function stableShare(key: string, salt: string): number {
  let hash = fnvOffset;
  for (const byte of new TextEncoder().encode(`${salt}:${key}`)) {
    hash = Math.imul(hash ^ byte, fnvPrime);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) * (100 / 2 ** 32);
}
