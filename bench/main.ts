/**
 * `npm run bench [-- WORD...]`: runs every benchmark, or those whose path holds one of the words, each
 * in a process of its own, and ends with the list of claims. A missed claim is marked but fails
 * nothing: on a busy machine a benchmark is evidence and no proof.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { verdictMarks } from './harness/claim-report.ts';

const here = dirname(fileURLToPath(import.meta.url));
/** What a benchmark begins with; files without it are parts of others. */
const claimHead = /^(\/\*\*\n \*|\/\/) Claims?: /u;
const claimMsMax = 600_000;

/** `server/cold-start.ts`, … in order. */
function claimFiles(): string[] {
  return readdirSync(here, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .filter((file) => claimHead.test(readFileSync(join(here, file), 'utf8')))
    .sort();
}

/** Runs one and prints what it prints. @returns Its verdict lines. */
async function runClaim(file: string): Promise<string[]> {
  console.log(`\n== bench/${file} (load average before it: ${loadavg()[0]!.toFixed(1)})`);
  const child = spawn(
    process.execPath,
    ['--conditions=nereid-source', '--import=tsx', join(here, file)],
    { stdio: ['ignore', 'pipe', 'inherit'], timeout: claimMsMax },
  );
  const verdicts: string[] = [];
  const closed = once(child, 'close');
  for await (const line of createInterface({ input: child.stdout })) {
    console.log(line);
    if (Object.values(verdictMarks).some((mark) => line.startsWith(mark))) verdicts.push(line);
  }
  const [status, signal] = await closed;
  if (status !== 0) {
    verdicts.push(`${verdictMarks.missed}bench/${file} itself failed (${status ?? signal})`);
  }
  return verdicts;
}

async function main(words: readonly string[]): Promise<void> {
  const files = claimFiles().filter(
    (file) => words.length === 0 || words.some((word) => file.includes(word)),
  );
  console.log(
    `node ${process.version}, ${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown processor'}`,
  );
  const verdicts: string[] = [];
  for (const file of files) verdicts.push(...(await runClaim(file)));
  console.log(`\n== claims (median [min … max])\n${verdicts.join('\n')}`);
}

await main(process.argv.slice(2));
