/** A flag further away than this share of its length is no likely meaning of a mistyped one. */
const distanceShareMax = 0.4;

/** Mistyped flags are cut to this length before they are compared, so that a comparison stays cheap. */
const charactersMax = 80;

/** The known flag that is most like `typed`, or null when none is near. */
export function nearestFlag(typed: string, known: Iterable<string>): string | null {
  const text = typed.slice(0, charactersMax).toLowerCase();
  let nearest: string | null = null;
  let nearestDistance = Number.POSITIVE_INFINITY;
  for (const flag of known) {
    const distance = editDistance(text, flag);
    if (distance < nearestDistance) {
      nearest = flag;
      nearestDistance = distance;
    }
  }
  if (nearest === null) return null;
  return nearestDistance <= Math.max(nearest.length, text.length) * distanceShareMax
    ? nearest
    : null;
}

/** Single-character insertions, deletions and replacements that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
