import { optionByFlag } from './option-table.ts';
import type { ServerOptions } from './server-options.ts';

/**
 * One line for each flag that was given, asks for something, and does not do it yet: for the log,
 * once, at start. Flags that ask for what is the case anyhow are not mentioned.
 */
export function unbuiltOptionsInUse(options: ServerOptions): string[] {
  const lines: string[] = [];
  for (const [flag, values] of options.given) {
    const spec = optionByFlag.get(flag);
    if (spec === undefined) continue;
    if (spec.honoured === 'yes') continue;
    const quiet = spec.quietText?.toLowerCase() ?? null;
    if (quiet !== null && values.every((value) => meansSame(value, quiet))) continue;
    lines.push(`--${flag} has no effect: ${spec.note}`);
  }
  return lines;
}

function meansSame(value: string, quiet: string): boolean {
  const lower = value.toLowerCase();
  if (quiet === 'false') return ['false', 'off', '0'].includes(lower);
  if (quiet === 'true') return ['true', 'on', '1'].includes(lower);
  return lower === quiet;
}
