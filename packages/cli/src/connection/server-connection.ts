import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  GrpcClient,
  type GrpcClientOptions,
  HttpClient,
  type HttpClientOptions,
  InferenceError,
  type TlsClientOptions,
} from '@nereid/client';
import type { CommandContext, OptionSpec } from '../command/command.ts';
import { CommandError, exitStatus, usageError } from '../command/exit-status.ts';
import type { ParsedArguments } from '../command/parsed-arguments.ts';

/** Where a server is when nothing says otherwise. */
const urlDefault = 'localhost:8000';

const timeoutSecondsMax = 86_400;

/** The options of every command that asks a server. */
export const serverOptions: Readonly<Record<string, OptionSpec>> = {
  url: {
    type: 'string',
    short: 'u',
    value: 'URL',
    help: `the server, as http://host:8000 or grpc://host:8001 (default $NEREID_URL, else ${urlDefault})`,
  },
  'triton-url': { type: 'string', value: 'URL', help: 'the same as --url', hidden: true },
  protocol: {
    type: 'string',
    short: 'i',
    value: 'http|grpc',
    help: 'what to speak when the URL does not say (default http)',
    completes: ['http', 'grpc'],
  },
  header: {
    type: 'string',
    multiple: true,
    value: "'NAME: VALUE'",
    help: 'a header, or metadata over gRPC',
  },
  ca: {
    type: 'string',
    value: 'FILE',
    help: "who signs the server's certificate (PEM)",
    completes: 'files',
  },
  cert: {
    type: 'string',
    value: 'FILE',
    help: 'the own certificate, for mutual TLS',
    completes: 'files',
  },
  key: { type: 'string', value: 'FILE', help: 'its key', completes: 'files' },
  timeout: {
    type: 'string',
    value: 'SECONDS',
    help: 'how long to wait for each answer (default: as long as it takes)',
  },
};

/** A connection that the command line describes. */
export interface ServerConnection {
  readonly client: HttpClient | GrpcClient;
  /** As it was given, for messages. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Null where the URL alone says whether it is TLS. */
  readonly tls: TlsClientOptions | null;
}

/**
 * Calls the server that the command line names, and closes the connection afterwards.
 * @throws CommandError `unreachable` when nothing answers.
 */
export async function withServer<Result>(
  given: ParsedArguments,
  context: CommandContext,
  use: (client: HttpClient | GrpcClient, connection: ServerConnection) => Promise<Result>,
): Promise<Result> {
  const connection = await connect(given, context);
  const { client, url } = connection;
  try {
    return await use(client, connection);
  } catch (error) {
    throw unreachable(error, url) ?? error;
  } finally {
    await client.close();
  }
}

/** The same server over gRPC: this one answers it on the port of HTTP too. */
export async function connectGrpc(
  given: ParsedArguments,
  context: CommandContext,
): Promise<GrpcClient> {
  const { address, options } = await target(given, context);
  const [, secure = '', authority = address] = /^http(s?):\/\/([^/]+)/iu.exec(address) ?? [];
  return new GrpcClient(`grpc${secure}://${authority}`, options);
}

/** @throws CommandError `usage` for what is no address, no header or no file. */
async function connect(given: ParsedArguments, context: CommandContext): Promise<ServerConnection> {
  const { address, options } = await target(given, context);
  const protocol = given.choice('protocol', 'http', ['http', 'grpc']);
  const grpc = /^grpcs?:/iu.test(address) || (!/^https?:/iu.test(address) && protocol === 'grpc');
  try {
    const client = grpc ? new GrpcClient(address, options) : new HttpClient(address, options);
    return { client, url: address, headers: { ...options.headers }, tls: options.tls ?? null };
  } catch (error) {
    if (error instanceof TypeError) throw usageError(error.message);
    throw error;
  }
}

async function target(
  given: ParsedArguments,
  context: CommandContext,
): Promise<{ address: string; options: HttpClientOptions & GrpcClientOptions }> {
  const url = given.text('url') ?? given.text('triton-url') ?? context.environment['NEREID_URL'];
  const tls = await tlsOptions(given, context);
  const seconds = given.number('timeout', 0, 0.001, timeoutSecondsMax);
  return {
    address: url === undefined || url === '' ? urlDefault : url,
    options: {
      headers: headersOf(given.list('header')),
      ...(seconds === 0 ? {} : { timeoutMs: seconds * 1000 }),
      ...(tls === null ? {} : { tls }),
    },
  };
}

function headersOf(given: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const header of given) {
    const found = /^([^\s:=]+)\s*[:=]\s*(.*)$/su.exec(header);
    if (found === null) throw usageError(`--header takes 'NAME: VALUE', not '${header}'`);
    headers[found[1] as string] = found[2] as string;
  }
  return headers;
}

async function tlsOptions(
  given: ParsedArguments,
  { directory }: CommandContext,
): Promise<TlsClientOptions | null> {
  const read = async (name: string) => {
    const path = given.text(name);
    return path === null ? null : await readFile(resolve(directory, path));
  };
  const [ca, cert, key] = [await read('ca'), await read('cert'), await read('key')];
  if (ca === null && cert === null && key === null) return null;
  if ((cert === null) !== (key === null)) throw usageError('--cert and --key go together');
  return {
    ...(ca === null ? {} : { ca }),
    ...(cert === null || key === null ? {} : { cert, key }),
  };
}

/** What is no answer of the server but the lack of one; null for all else. */
export function unreachable(error: unknown, url: string): CommandError | null {
  if (!(error instanceof InferenceError) || error.status !== null) return null;
  if (error.code !== 'UNAVAILABLE' && error.code !== 'DEADLINE_EXCEEDED') return null;
  return new CommandError(
    `no answer from ${url}: ${error.message}; see that the server runs, and give its address with --url`,
    exitStatus.unreachable,
    error,
  );
}
