/** A model's names are few; what is beyond goes by the port. */
const namesMax = 4096;

/** Names of tensors on their way, each told once and a number from then on. */
export class NamesGiven {
  readonly #numbers = new Map<string, number>();
  readonly #tell: (name: string) => void;

  /** @param tell Sends a name, which is given the next number. */
  constructor(tell: (name: string) => void) {
    this.#tell = tell;
  }

  /** -1 where there are too many. */
  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.#numbers.size >= namesMax) return -1;
    const number = this.#numbers.size;
    this.#numbers.set(name, number);
    this.#tell(name);
    return number;
  }
}

/** The same on the other side. */
export class NamesTaken {
  readonly #names: string[] = [];

  add(name: string): void {
    this.#names.push(name);
  }

  /** @throws Error for a number that was not told. */
  name(number: number): string {
    const name = this.#names[number];
    if (name === undefined) throw new Error(`name ${number} is not known`);
    return name;
  }
}
