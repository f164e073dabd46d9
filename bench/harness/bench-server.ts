import { ServerProcess } from '@nereid/test-kit';

/** What is shown of the log of a server that ended by itself. */
const logTailCharacters = 4000;

/** Starts the built server on free ports. Should it end before it is stopped, it is said how. */
export async function startServer(...flags: readonly string[]): Promise<ServerProcess> {
  const server = await ServerProcess.start({ flags });
  void server.ended.then(({ status, signal, output }) => {
    if (status === 0) return;
    console.error(
      `the server ended with ${signal ?? status}:\n${output.slice(-logTailCharacters)}`,
    );
  });
  return server;
}
