/** A table of text cells. A cell may have several lines. */
export interface StatusTable {
  readonly headers: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Columns of a drawn table when nothing says how wide the terminal is, as Triton has it. */
const tableColumnsDefault = 500;

/**
 * Draws a table between +---+ lines, one under the header and one at the end, as Triton does at
 * start. Cells that are wider than their column's fair share of `columns` go on in the next line.
 */
export function drawTable(table: StatusTable, columns: number = tableColumnsDefault): string[] {
  const cells = [table.headers, ...table.rows].map((row) => row.map((cell) => cell.split('\n')));
  const widths = fairWidths(
    table.headers.map((_, index) => Math.max(...cells.map((row) => widest(row[index] ?? [])))),
    columns,
  );
  const divider = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const [header, ...rows] = cells.map((row) => drawRow(row, widths));
  return [divider, ...header!, divider, ...rows.flat(), divider];
}

function drawRow(cells: readonly (readonly string[])[], widths: readonly number[]): string[] {
  const folded = widths.map((width, index) =>
    (cells[index] ?? []).flatMap((line) => fold(line, width)),
  );
  const height = Math.max(1, ...folded.map((lines) => lines.length));
  return Array.from({ length: height }, (_, row) => {
    const parts = folded.map((lines, index) => ` ${(lines[row] ?? '').padEnd(widths[index]!)} `);
    return `|${parts.join('|')}|`;
  });
}

function fold(line: string, width: number): string[] {
  if (line.length <= width) return [line];
  const parts: string[] = [];
  for (let at = 0; at < line.length; at += width) parts.push(line.slice(at, at + width));
  return parts;
}

function widest(lines: readonly string[]): number {
  return Math.max(0, ...lines.map((line) => line.length));
}

/** Each column gets an equal share; what narrow ones leave goes to the wider ones. */
function fairWidths(wanted: readonly number[], columns: number): number[] {
  const bordersAndPadding = 3 * wanted.length + 1;
  let left = Math.max(wanted.length, columns - bordersAndPadding);
  const widths = wanted.map(() => 0);
  const narrowFirst = wanted.map((_, index) => index).sort((a, b) => wanted[a]! - wanted[b]!);
  for (const [position, index] of narrowFirst.entries()) {
    const share = Math.floor(left / (wanted.length - position));
    widths[index] = Math.max(1, Math.min(wanted[index]!, share));
    left -= widths[index]!;
  }
  return widths;
}

/** The table of repository agents: name and path. */
export function repositoryAgentTable(
  agents: readonly { readonly name: string; readonly path: string }[],
): StatusTable {
  return {
    headers: ['Repository Agent', 'Path'],
    rows: agents.map((agent) => [agent.name, agent.path]),
  };
}

/** The table of backends that are in use: name, where it comes from, its settings as JSON. */
export function backendTable(
  backends: readonly { readonly name: string; readonly path: string; readonly config: string }[],
): StatusTable {
  return {
    headers: ['Backend', 'Path', 'Config'],
    rows: backends.map((backend) => [backend.name, backend.path, backend.config]),
  };
}

/** The table of what the server was started with. */
export function optionsTable(options: readonly (readonly [string, string])[]): StatusTable {
  return { headers: ['Option', 'Value'], rows: options };
}

/** One line of the table of models. */
export interface ModelStatusRow {
  readonly model: string;
  /** Null for a model that has no version. */
  readonly version: number | null;
  /** As the repository index names it: READY, UNAVAILABLE… */
  readonly state: string;
  /** Why it is not ready, '' for none. */
  readonly reason: string;
}

/** The table of models and what became of each version. */
export function modelTable(models: readonly ModelStatusRow[]): StatusTable {
  return {
    headers: ['Model', 'Version', 'Status'],
    rows: models.map(({ model, version, state, reason }) =>
      version === null
        ? [model, '-', 'Not loaded: No model version was found']
        : [model, String(version), reason === '' ? state : `${state}: ${reason}`],
    ),
  };
}
