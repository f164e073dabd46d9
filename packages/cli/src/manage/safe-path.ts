/**
 * Whether a path from a list or a server stays below the folder that it is put into: relative, without
 * `..`, without names that are hidden or mean something to Windows.
 */
export function isSafePath(path: string): boolean {
  return (
    path.length <= 1024 &&
    path.split('/').every((part) => /^[^./\\:\0\p{Cc}][^/\\:\0\p{Cc}]*$/u.test(part))
  );
}
