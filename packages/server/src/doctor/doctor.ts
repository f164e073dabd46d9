import { parseOptions } from '../options/parse-options.ts';
import type { ServerOptions } from '../options/server-options.ts';
import { unbuiltOptionsInUse } from '../options/unbuilt-options.ts';
import { checkMachine } from './check-machine.ts';
import { checkMemory } from './check-memory.ts';
import { checkModels } from './check-models.ts';
import { checkPorts } from './check-ports.ts';
import { checkRepository } from './check-repository.ts';
import { checkServing } from './check-serving.ts';
import { exitStatus, type Finding, finding } from './finding.ts';
import { type Machine, thisMachine } from './machine.ts';
import { type Examination, jsonReport, textReport } from './report.ts';

const usage = `Usage: nereid doctor [--json] [--no-load] [--url URL] [flags of nereid serve]

Says what is wrong or slow, and what to do: with the machine; with the command line, the ports, the
repository and each model, when flags of the server are given; with a server that runs, when its URL is.

  --json      print JSON
  --no-load   read the models' configurations, but do not load them
  --url URL   the HTTP port of a server that runs, as http://localhost:8000

Ends with 0 when nothing is wrong, 1 for errors, 2 for warnings, 3 when it was called wrongly.
`;

/** What the process ends with when the command line makes no sense. */
const usageStatus = 3;

/** What came of it: what to print, and what to end with. */
export interface DoctorResult {
  readonly output: string;
  readonly status: number;
}

interface DoctorArguments {
  readonly json: boolean;
  readonly load: boolean;
  readonly url: string | null;
  readonly serverFlags: readonly string[];
}

/** `nereid doctor ARGUMENTS…`. */
export async function doctor(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  machine: Machine = thisMachine(),
): Promise<DoctorResult> {
  if (argv.some((argument) => ['--help', '-h', 'help'].includes(argument))) {
    return { output: usage, status: 0 };
  }
  const given = readArguments(argv);
  if (given === null) {
    return { output: `nereid doctor: --url needs a value\n\n${usage}`, status: usageStatus };
  }
  const examination = await examine(given, environment, machine);
  return {
    output: given.json ? jsonReport(examination) : textReport(examination),
    status: exitStatus(examination.findings),
  };
}

function readArguments(argv: readonly string[]): DoctorArguments | null {
  let json = false;
  let load = true;
  let url: string | null = null;
  const serverFlags: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] as string;
    if (argument === '--json') json = true;
    else if (argument === '--no-load') load = false;
    else if (argument.startsWith('--url=')) url = argument.slice('--url='.length);
    else if (argument === '--url') url = argv[++at] ?? '';
    else serverFlags.push(argument);
  }
  return url === '' ? null : { json, load, url, serverFlags };
}

async function examine(
  { url, load, serverFlags }: DoctorArguments,
  environment: Readonly<Record<string, string | undefined>>,
  machine: Machine,
): Promise<Examination> {
  const examined = ['the machine'];
  const findings = checkMachine(machine);
  if (url !== null) {
    examined.push(`the server at ${url}`);
    findings.push(...(await checkServing(url)));
  }
  if (serverFlags.length > 0) {
    examined.push('the command line');
    const parsed = parseOptions(serverFlags, environment);
    if (parsed.kind === 'run') {
      examined.push('the ports', load ? 'the models' : 'the configurations of the models');
      findings.push(...(await checkServer(parsed.options, machine, load)));
    } else if (parsed.kind === 'error') {
      findings.push(finding('error', 'command line', parsed.message, 'see nereid serve --help'));
    }
  }
  return { examined, findings };
}

async function checkServer(
  options: ServerOptions,
  machine: Machine,
  load: boolean,
): Promise<Finding[]> {
  const findings = [...options.warnings, ...unbuiltOptionsInUse(options)].map((line) =>
    finding('warning', 'command line', line, ''),
  );
  findings.push(...(await checkPorts(options)));
  const repositories: Finding[] = [];
  for (const path of options.modelRepository.paths) {
    repositories.push(...(await checkRepository(path)));
  }
  findings.push(...repositories);
  const usable = !repositories.some(
    ({ severity, subject }) => severity === 'error' && subject === 'repository',
  );
  if (usable) {
    findings.push(...(await checkMemory(options.modelRepository.paths, machine)));
    findings.push(...(await checkModels(options, machine, load)));
  }
  return findings;
}
