import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { checkout, exampleModels } from './checkout.ts';
import { documentedCommands, outputShows } from './documented-commands.ts';
import { runCommand } from './run-command.ts';

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.start({ flags: [`--model-repository=${exampleModels}`] });
});
afterAll(async () => {
  expect((await server?.stop())?.status).toBe(0);
});

/** The document's own addresses, turned to the server of this test. */
function here(script: string): string {
  return script
    .replaceAll('localhost:8000', `127.0.0.1:${server.port}`)
    .replaceAll('localhost:8002', new URL(server.metricsUrl ?? '').host);
}

const documents = ['README.md', 'examples/README.md', 'docs/openai.md'].filter((file) =>
  existsSync(join(checkout, file)),
);

describe.each(documents)('%s', (file) => {
  const commands = documentedCommands(readFileSync(join(checkout, file), 'utf8'));

  it('has commands that are marked for this test', () => {
    expect(commands.length).toBeGreaterThan(0);
  });

  it.each(commands)('line $line works and prints what it says', async ({ script, shows }) => {
    const path = [dirname(ensurePythonEnv()), process.env['PATH'] ?? ''].join(delimiter);
    const end = await runCommand('bash', ['-euc', here(script)], {
      PATH: path,
      // For clients whose command does not name the server.
      TRITON_HTTP_URL: `127.0.0.1:${server.port}`,
    });
    expect(end.status, end.output).toBe(0);
    for (const line of shows) {
      expect(outputShows(end.output, here(line)), `${line}\nis not in\n${end.output}`).toBe(true);
    }
  });
});
