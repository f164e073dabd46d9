import { codeBitCounts, codes, endOfString } from './huffman-code.ts';

/**
 * The tree of codes as a machine that takes four bits at a time. A transition is
 * `next state << 16 | flags << 8 | symbol`; no code is shorter than five bits, so that there is at
 * most one symbol in four.
 */
interface Machine {
  readonly transitions: Int32Array;
  /** States where a string may end: fewer than eight bits, all ones, since the last symbol. */
  readonly mayEnd: Uint8Array;
}

/** Made for the first string: servers of HTTP/1.1 alone need none. */
let machine: Machine | null = null;

const emits = 1 << 8;
const fails = 2 << 8;

let scratch = Buffer.allocUnsafe(4096);

/**
 * Decodes `bytes[start..end)`.
 *
 * @returns The text, a character for each byte, or null when the code is broken: a symbol for the end
 * of the string, or padding that is longer than seven bits or not all ones (RFC 7541 section 5.2).
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string | null {
  // No code is shorter than five bits.
  const lengthMax = Math.floor(((end - start) * 8) / 5) + 1;
  if (lengthMax > scratch.length) scratch = Buffer.allocUnsafe(lengthMax * 2);
  const out = scratch;
  machine ??= { transitions: buildTransitions(), mayEnd: findEndStates() };
  const { transitions, mayEnd } = machine;
  let length = 0;
  let state = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    let step = transitions[(state << 4) | (byte >> 4)]!;
    if ((step & emits) !== 0) out[length++] = step & 0xff;
    else if ((step & fails) !== 0) return null;
    step = transitions[((step >> 16) << 4) | (byte & 0x0f)]!;
    if ((step & emits) !== 0) out[length++] = step & 0xff;
    else if ((step & fails) !== 0) return null;
    state = step >> 16;
  }
  return mayEnd[state] === 1 ? out.toString('latin1', 0, length) : null;
}

/** Inner nodes of the tree: two children each; a negative child is the symbol `-1 - child`. */
function buildTree(): Int32Array {
  const children = new Int32Array(endOfString * 2);
  let nodeCount = 1;
  for (let symbol = 0; symbol <= endOfString; symbol++) {
    let node = 0;
    for (let bit = codeBitCounts[symbol]! - 1; bit > 0; bit--) {
      const slot = node * 2 + ((codes[symbol]! >>> bit) & 1);
      if (children[slot] === 0) children[slot] = nodeCount++;
      node = children[slot]!;
    }
    children[node * 2 + (codes[symbol]! & 1)] = -1 - symbol;
  }
  return children;
}

function buildTransitions(): Int32Array {
  const children = buildTree();
  const result = new Int32Array(endOfString * 16);
  for (let state = 0; state < endOfString; state++) {
    for (let nibble = 0; nibble < 16; nibble++) {
      let node = state;
      let flags = 0;
      let symbol = 0;
      for (let bit = 3; bit >= 0; bit--) {
        const child = children[node * 2 + ((nibble >> bit) & 1)]!;
        node = Math.max(child, 0);
        if (child >= 0) continue;
        symbol = -1 - child;
        flags = symbol === endOfString ? 2 : 1;
        if (flags === 2) break;
      }
      result[state * 16 + nibble] = (node << 16) | (flags << 8) | (symbol & 0xff);
    }
  }
  return result;
}

function findEndStates(): Uint8Array {
  const children = buildTree();
  const result = new Uint8Array(endOfString);
  let node = 0;
  for (let bitCount = 0; bitCount < 8; bitCount++) {
    result[node] = 1;
    node = children[node * 2 + 1]!;
  }
  return result;
}
