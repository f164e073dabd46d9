import { visibleText } from '../observability/log-line.ts';
import { bySeverity, exitStatus, type Finding, type Severity } from './finding.ts';

/** What was looked at, for the reader to know what was not. */
export interface Examination {
  readonly examined: readonly string[];
  readonly findings: readonly Finding[];
}

/** For people: the worst first, each with its place and its remedy. */
export function textReport({ examined, findings }: Examination): string {
  const blocks = bySeverity(findings).map(textOf);
  return [`Looked at ${examined.join(', ')}.`, ...blocks, summary(findings)]
    .join('\n\n')
    .concat('\n');
}

/** For programs: an object of JSON with `status`, `examined` and `findings`. */
export function jsonReport({ examined, findings }: Examination): string {
  const report = { status: exitStatus(findings), examined, findings: bySeverity(findings) };
  return `${JSON.stringify(report, null, 2)}\n`;
}

function textOf({ severity, subject, problem, fix, file, line }: Finding): string {
  const place = file === null ? [] : [`${file}${line === null ? '' : `:${line}`}`];
  return [
    `${severity.padEnd(8)} ${subject}: ${problem}`,
    ...place,
    ...(fix === '' ? [] : [`→ ${fix}`]),
  ]
    .map(visibleText)
    .join('\n         ');
}

function summary(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'Nothing is wrong.';
  const count = (severity: Severity, one: string, many: string): string => {
    const { length } = findings.filter((each) => each.severity === severity);
    return `${length} ${length === 1 ? one : many}`;
  };
  return `${count('error', 'error', 'errors')}, ${count('warning', 'warning', 'warnings')}, ${count('advice', 'piece of advice', 'pieces of advice')}.`;
}
