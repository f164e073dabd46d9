/** Digits from which on a whole number may not fit a double. */
const longNumber = /\d{16}/u;

/** Strings, which are left alone, or whole numbers of many digits outside of them. */
const stringsAndLongNumbers = /"(?:[^"\\]|\\.)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/gu;

/** Marks a number that was made a string, in a way that text from a server hardly is. */
const mark = '\uffffint:';
const markedNumber = /^\uffffint:-?\d{16,}$/u;

/** Parses JSON. Whole numbers that a double cannot hold become big integers. @throws SyntaxError */
export function parseJsonExactly(text: string): unknown {
  if (!longNumber.test(text)) return JSON.parse(text);
  const marked = text.replace(stringsAndLongNumbers, (token) =>
    token.startsWith('"') ? token : JSON.stringify(mark + token),
  );
  return JSON.parse(marked, (_, value: unknown) => {
    if (typeof value !== 'string' || !markedNumber.test(value)) return value;
    const whole = BigInt(value.slice(mark.length));
    const number = Number(whole);
    return BigInt(number) === whole ? number : whole;
  });
}
