/**
 * Looks at a Python model, whose folder is the argument, where one file can be opened and no process started,
 * and prints the findings as JSON. Run by a test in a process of its own.
 */
import { closeSync, openSync } from 'node:fs';
import { emptyModelConfig } from '@nereid/protocol';
import { parseOptions } from '../../options/parse-options.ts';
import { checkPythonImports } from '../check-python.ts';

function openAllButOne(): void {
  let last = 0;
  try {
    for (;;) last = openSync('/dev/null', 'r');
  } catch {
    closeSync(last);
  }
}

const directory = process.argv[2] ?? '';
const parsed = parseOptions([`--model-repository=${directory}`], {});
if (parsed.kind !== 'run') throw new Error(parsed.kind);
const definition = {
  id: { namespace: '', name: 'm' },
  directory,
  config: { ...emptyModelConfig(), name: 'm', backend: 'python' },
  source: null,
  fingerprint: null,
  overrides: null,
};
openAllButOne();
const findings = await checkPythonImports(definition, parsed.options);
// What Node tells by events comes before this.
await new Promise((resolve) => setImmediate(resolve));
process.stdout.write(JSON.stringify(findings));
