import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** Letters of the longest context, and how many letters there are: those of ASCII. */
const orderMax = 6;
const letterCount = 128;

/** An n-gram model of letters: examples/training/train_scribe.py counts, this reads. */
export class Letters {
  /** Sorted: the length of a context, its letters and the one that followed, in 52 bits together. */
  #keys;
  #counts;

  /** @param {URL} file The number of n-grams, then the steps from key to key, then the counts. */
  constructor(file) {
    const numbers = readNumbers(gunzipSync(readFileSync(file)));
    const size = numbers[0];
    this.#keys = new Float64Array(size);
    let key = 0;
    for (let i = 0; i < size; i++) this.#keys[i] = key += numbers[1 + i];
    this.#counts = Float64Array.from(numbers.slice(1 + size));
  }

  /**
   * How likely each letter is to come next: sums to 1. Each longer context corrects the shorter ones by as
   * much as it was seen (Witten and Bell's interpolation).
   */
  probabilities(text) {
    const known = [...text.slice(-orderMax)].map((letter) => Math.min(letter.charCodeAt(0), 127));
    const mixed = new Float64Array(letterCount).fill(1 / letterCount);
    for (let order = 0; order <= known.length; order++) {
      const [first, end] = this.#followers(known.slice(known.length - order));
      if (first === end) break;
      let total = end - first;
      for (let i = first; i < end; i++) total += this.#counts[i];
      const unseen = (end - first) / total;
      for (let letter = 0; letter < letterCount; letter++) mixed[letter] *= unseen;
      for (let i = first; i < end; i++) mixed[this.#keys[i] % letterCount] += this.#counts[i] / total;
    }
    return mixed;
  }

  /** Where the n-grams of a context stand. */
  #followers(context) {
    let prefix = context.length;
    for (const letter of context) prefix = prefix * letterCount + letter;
    return [this.#find(prefix * letterCount), this.#find((prefix + 1) * letterCount)];
  }

  #find(key) {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle] < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Numbers of seven bits a byte, the lowest first; the highest bit says that more follow. */
function readNumbers(bytes) {
  const numbers = [];
  let number = 0;
  let scale = 1;
  for (const byte of bytes) {
    number += (byte % 128) * scale;
    scale *= 128;
    if (byte < 128) {
      numbers.push(number);
      number = 0;
      scale = 1;
    }
  }
  return numbers;
}
