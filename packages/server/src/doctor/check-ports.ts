import { createServer } from 'node:net';
import type { ServerOptions } from '../options/server-options.ts';
import { type Finding, finding } from './finding.ts';

interface WantedPort {
  readonly flag: string;
  readonly address: string;
  readonly port: number;
}

/** Which of the server's ports cannot be opened, and why. */
export async function checkPorts(options: ServerOptions): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const wanted of wantedPorts(options)) {
    const code = await whyNotOpened(wanted);
    if (code !== null) found.push(describe(wanted, code));
  }
  return found;
}

function wantedPorts({ http, grpc, metrics }: ServerOptions): WantedPort[] {
  const wanted: WantedPort[] = [];
  if (http.allow) wanted.push({ flag: '--http-port', address: http.address, port: http.port });
  if (grpc.allow) wanted.push({ flag: '--grpc-port', address: grpc.address, port: grpc.port });
  if (metrics.allow) {
    wanted.push({ flag: '--metrics-port', address: metrics.address, port: metrics.port });
  }
  return wanted;
}

/** Opens the port and closes it at once. @returns Node's error code, or null when it can be opened. */
function whyNotOpened({ address, port }: WantedPort): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ host: address, port }, () => probe.close(() => resolve(null)));
  });
}

function describe({ flag, address, port }: WantedPort, code: string): Finding {
  const place = `${address}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return finding(
        'error',
        'ports',
        `${place} is in use, by another server or one that is still stopping`,
        `stop what listens there (ss -ltnp 'sport = :${port}' names it), or choose another port with ${flag}`,
      );
    case 'EACCES':
      return finding(
        'error',
        'ports',
        `this user may not open ${place}`,
        `choose a port above 1023 with ${flag}`,
      );
    case 'EADDRNOTAVAIL':
      return finding(
        'error',
        'ports',
        `this machine has no address ${address}`,
        `give 0.0.0.0, or an address of this machine, with ${flag.replace('-port', '-address')}`,
      );
    default:
      return finding('error', 'ports', `${place} cannot be opened: ${code}`, `change ${flag}`);
  }
}
