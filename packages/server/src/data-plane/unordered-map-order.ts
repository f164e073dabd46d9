/*
 * Triton keeps a request's inputs in a std::unordered_map and walks it where it validates, so that
 * the hash of the names decides which of several wrong inputs its error tells about, and in which
 * order an error lists them. Only failures pay for this.
 */

/** Names beyond this many are not hashed: no real model has so many inputs, and the text is for people. */
const hashedNamesMax = 1024;

/** Bucket counts through which libstdc++ grows a map that is filled one by one. */
const bucketCounts: readonly number[] = [13, 29, 59, 127, 257, 541, 1109];

/** The order in which libstdc++ iterates over distinct `names` inserted one after the other. */
export function unorderedMapOrder(names: readonly string[]): string[] {
  if (names.length > hashedNamesMax) return names.toReversed();
  let bucketCount = 13;
  let order: Entry[] = [];
  for (const name of names) {
    if (order.length === bucketCount) {
      bucketCount = bucketCounts.find((count) => count > bucketCount) ?? bucketCount;
      order = order.reduce<Entry[]>((list, entry) => insert(list, entry, bucketCount), []);
    }
    order = insert(order, { name, hash: hashBytes(Buffer.from(name)) }, bucketCount);
  }
  return order.map((entry) => entry.name);
}

interface Entry {
  readonly name: string;
  readonly hash: bigint;
}

/** A new entry goes to the front of its bucket's run, or of the whole list where the bucket is empty. */
function insert(list: Entry[], entry: Entry, bucketCount: number): Entry[] {
  const count = BigInt(bucketCount);
  const bucket = entry.hash % count;
  const at = list.findIndex((other) => other.hash % count === bucket);
  list.splice(Math.max(at, 0), 0, entry);
  return list;
}

const mask64 = (1n << 64n) - 1n;
const multiplier = 0xc6a4a7935bd1e995n;

/** libstdc++'s hash of a string on 64-bit machines: Murmur with a fixed seed. */
function hashBytes(bytes: Buffer): bigint {
  const alignedLength = bytes.length & ~7;
  let hash = 0xc70f6907n ^ ((BigInt(bytes.length) * multiplier) & mask64);
  for (let offset = 0; offset < alignedLength; offset += 8) {
    const mixed = shiftMix((bytes.readBigUInt64LE(offset) * multiplier) & mask64);
    hash ^= (mixed * multiplier) & mask64;
    hash = (hash * multiplier) & mask64;
  }
  if (alignedLength < bytes.length) {
    let rest = 0n;
    for (let offset = bytes.length - 1; offset >= alignedLength; offset--) {
      rest = (rest << 8n) | BigInt(bytes[offset] as number);
    }
    hash ^= rest;
    hash = (hash * multiplier) & mask64;
  }
  hash = (shiftMix(hash) * multiplier) & mask64;
  return shiftMix(hash);
}

function shiftMix(value: bigint): bigint {
  return value ^ (value >> 47n);
}
