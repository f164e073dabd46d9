/**
 * How bad something is: an `error` keeps a model or the server from working, a `warning` makes it work
 * other than meant, `advice` says how it would work better.
 */
export type Severity = 'error' | 'warning' | 'advice';

/** One thing that is wrong or slow, and what to do. */
export interface Finding {
  readonly severity: Severity;
  /** What it is about: `model 'resnet'`, `ports`, `memory`. */
  readonly subject: string;
  /** One sentence without a full stop. */
  readonly problem: string;
  /** What to do, as one sentence without a full stop. */
  readonly fix: string;
  /** The file that is wrong; null when it is no file's fault. */
  readonly file: string | null;
  /** 1 is the first; null when it is about the whole file. */
  readonly line: number | null;
}

/** A finding about no file. */
export function finding(
  severity: Severity,
  subject: string,
  problem: string,
  fix: string,
  file: string | null = null,
): Finding {
  return { severity, subject, problem, fix, file, line: null };
}

const order: readonly Severity[] = ['error', 'warning', 'advice'];

/** The worst first; what is equally bad stays in order. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}

/** What the process ends with: 0 nothing is wrong (advice at most), 1 errors, 2 warnings at most. */
export function exitStatus(findings: readonly Finding[]): 0 | 1 | 2 {
  if (findings.some(({ severity }) => severity === 'error')) return 1;
  return findings.some(({ severity }) => severity === 'warning') ? 2 : 0;
}
