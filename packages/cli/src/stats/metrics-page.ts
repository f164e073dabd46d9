import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import type { TlsClientOptions } from '@nereid/client';

const waitMsMax = 2000;
const pageBytesMax = 64 * 1024 * 1024;

/** How a server is asked for its metrics. */
export interface MetricsRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsClientOptions | null;
}

/**
 * Where a server has its metrics when nothing says so: this one answers HTTP on every port, under the path that
 * clients know too.
 * @param address as commands take it.
 */
export function metricsUrlOf(address: string, tls: TlsClientOptions | null): string {
  const [, scheme = '', place = address] = /^(\w+):\/\/(.*)$/su.exec(address) ?? [];
  const secure = scheme.toLowerCase().endsWith('s') || tls !== null;
  const [, authority = place, path = ''] = /^([^/]+)(\/.*)?$/su.exec(place) ?? [];
  const port = /:\d+$/u.test(authority) ? '' : (portsByScheme[scheme.toLowerCase()] ?? ':8000');
  return `http${secure ? 's' : ''}://${authority}${port}${path.replace(/\/+$/u, '')}/v2/metrics`;
}

/** As the clients have them. */
const portsByScheme: Readonly<Record<string, string>> = {
  https: '',
  grpc: ':8001',
  grpcs: ':8001',
};

/** Reads a page of Prometheus' text format. @throws Error that says why there is none. */
export function readMetricsPage(url: string, { headers, tls }: MetricsRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { headers, signal: AbortSignal.timeout(waitMsMax), agent: false as const };
    const request = url.startsWith('https:')
      ? requestTls(url, { ...options, ...tlsOptions(tls) })
      : requestPlain(url, options);
    request.on('error', (error) => {
      reject(error.name === 'AbortError' ? new Error(`no answer in ${waitMsMax / 1000} s`) : error);
    });
    request.on('response', (response) => {
      if (response.statusCode !== 200) {
        response.destroy();
        reject(new Error(`status ${response.statusCode}`));
        return;
      }
      let page = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        page += text;
        if (page.length > pageBytesMax) response.destroy(new Error('the page is too long'));
      });
      response.on('error', reject);
      response.on('end', () => resolve(page));
    });
    request.end();
  });
}

function tlsOptions(tls: TlsClientOptions | null): object {
  const { ca, cert, key, serverName, verify } = tls ?? {};
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    rejectUnauthorized: verify !== false,
  };
}
