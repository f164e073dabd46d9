/** Codings that an inference response can be sent in. */
export type ResponseEncoding = 'identity' | 'deflate' | 'gzip';

/**
 * Chooses the coding of a response from `Accept-Encoding`, by Triton's rules rather than RFC 9110's:
 * the greatest weight wins, the first of equals; `*`, upper case and blanks before `;q=` are not
 * understood, and what is not understood is passed over.
 */
export function chooseResponseEncoding(acceptEncoding: string): ResponseEncoding {
  let chosen: ResponseEncoding = 'identity';
  let chosenWeight = 0;
  for (const item of acceptEncoding.split(',')) {
    const start = item.search(/[^ ]/);
    const weightAt = item.indexOf(';q=');
    if (start < 0 || (weightAt >= 0 && start >= weightAt)) continue;
    const coding = weightAt < 0 ? item.slice(start) : item.slice(start, weightAt);
    const weight = weightAt < 0 ? 1 : parseWeight(item.slice(weightAt + 3));
    if (!isResponseEncoding(coding) || weight === null || weight <= chosenWeight) continue;
    chosen = coding;
    chosenWeight = weight;
  }
  return chosen;
}

function isResponseEncoding(coding: string): coding is ResponseEncoding {
  return coding === 'identity' || coding === 'deflate' || coding === 'gzip';
}

/** As C++'s `stod` reads decimal numbers: whatever follows the number is ignored. */
function parseWeight(text: string): number | null {
  const number = /^\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)/.exec(text)?.[1];
  if (number === undefined) return null;
  const weight = Number(number);
  return Number.isFinite(weight) ? weight : null;
}
