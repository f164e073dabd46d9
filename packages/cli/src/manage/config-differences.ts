/** A field that is not served as it stands on disk. */
export interface Difference {
  /** `input[0].dims`, `parameters.key`. */
  readonly path: string;
  /** Both as JSON. */
  readonly disk: string;
  readonly served: string;
}

/**
 * What the configuration on disk sets and the served one has otherwise. What has its default on disk was not set, or
 * cannot be told from that: the server completes it. Lists of named things (inputs, outputs) are compared by name.
 */
export function configDifferences(disk: unknown, served: unknown, path = ''): Difference[] {
  if (isUnset(disk)) return [];
  if (Array.isArray(disk)) return listDifferences(disk, served, path);
  if (typeof disk === 'object' && disk !== null) {
    const other = typeof served === 'object' && served !== null ? served : {};
    return Object.entries(disk).flatMap(([key, value]) =>
      configDifferences(
        value,
        (other as Record<string, unknown>)[key],
        path === '' ? key : `${path}.${key}`,
      ),
    );
  }
  return disk === served ? [] : [{ path, disk: text(disk), served: text(served) }];
}

function listDifferences(disk: readonly unknown[], served: unknown, path: string): Difference[] {
  const others: readonly unknown[] = Array.isArray(served) ? served : [];
  const isPlain = disk.every((item) => typeof item !== 'object');
  if (isPlain || disk.length !== others.length) {
    return text(disk) === text(others) ? [] : [{ path, disk: text(disk), served: text(others) }];
  }
  return disk.flatMap((item, index) => {
    const name = nameOf(item);
    const other = name === null ? others[index] : others.find((one) => nameOf(one) === name);
    return configDifferences(item, other, `${path}[${name ?? index}]`);
  });
}

function nameOf(item: unknown): string | null {
  const { name } = (item ?? {}) as { name?: unknown };
  return typeof name === 'string' && name !== '' ? name : null;
}

function isUnset(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    value === '' ||
    value === 0 ||
    value === false ||
    value === 'TYPE_INVALID' ||
    value === 'KIND_AUTO' ||
    value === 'FORMAT_NONE' ||
    (Array.isArray(value) && value.length === 0)
  );
}

function text(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
