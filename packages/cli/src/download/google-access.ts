import { createSign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type HttpAccess, shown } from './http-fetch.ts';
import { DownloadError } from './remote-file.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const scope = 'https://www.googleapis.com/auth/devstorage.read_only';
const tokenAddress = 'https://oauth2.googleapis.com/token';
const tokenSeconds = 3600;
/** A token is asked for anew so long before it ends. */
const marginMs = 60_000;
const answerWaitMsMax = 60_000;

/** A key of a service account, or what `gcloud auth application-default login` leaves. */
interface GoogleCredentials {
  readonly type: string;
  readonly client_email?: string;
  readonly private_key?: string;
  readonly token_uri?: string;
  readonly client_id?: string;
  readonly client_secret?: string;
  readonly refresh_token?: string;
}

/**
 * Tokens for Cloud Storage: from GOOGLE_OAUTH_ACCESS_TOKEN or CLOUDSDK_AUTH_ACCESS_TOKEN, else made of the
 * credentials that GOOGLE_APPLICATION_CREDENTIALS names; without either nothing is sent, for public buckets.
 */
export function googleAccess(environment: Environment): HttpAccess {
  const given =
    environment['GOOGLE_OAUTH_ACCESS_TOKEN'] || environment['CLOUDSDK_AUTH_ACCESS_TOKEN'];
  const path = environment['GOOGLE_APPLICATION_CREDENTIALS'];
  const hint =
    'set GOOGLE_APPLICATION_CREDENTIALS to the credentials of an account that may read it, or GOOGLE_OAUTH_ACCESS_TOKEN';
  let token: Promise<{ text: string; untilMs: number }> | null = null;
  return {
    hint,
    async headers() {
      if (given) return { authorization: `Bearer ${given}` };
      if (!path) return {};
      if (token !== null && (await token).untilMs < Date.now()) token = null;
      token ??= newToken(path).catch((error: unknown) => {
        token = null;
        throw error;
      });
      return { authorization: `Bearer ${(await token).text}` };
    },
  };
}

async function newToken(path: string): Promise<{ text: string; untilMs: number }> {
  const credentials = await readCredentials(path);
  const address = credentials.token_uri ?? tokenAddress;
  const response = await fetch(address, {
    method: 'POST',
    body: new URLSearchParams(grantOf(credentials, path)),
    signal: AbortSignal.timeout(answerWaitMsMax),
  }).catch((error: Error) => {
    const { message } = error.cause instanceof Error ? error.cause : error;
    const text = `${shown(address)}, which gives tokens for the credentials in ${path}: ${message}`;
    throw new DownloadError(text, { isTemporary: true, cause: error });
  });
  const answer = (await response.json().catch(() => ({}))) as {
    access_token?: string;
    expires_in?: number;
    error_description?: string;
  };
  if (answer.access_token === undefined) {
    const reason = answer.error_description ?? `status ${response.status}`;
    throw new DownloadError(`Google gave no token for the credentials in ${path}: ${reason}`, {
      isTemporary: response.status >= 500,
    });
  }
  const ms = (answer.expires_in ?? tokenSeconds) * 1000;
  return { text: answer.access_token, untilMs: Date.now() + ms - marginMs };
}

async function readCredentials(path: string): Promise<GoogleCredentials> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as GoogleCredentials;
  } catch (error) {
    throw new DownloadError(`there are no credentials in ${path}: ${(error as Error).message}`, {
      isTemporary: false,
      cause: error,
    });
  }
}

function grantOf(credentials: GoogleCredentials, path: string): Record<string, string> {
  const { client_email: email, private_key: key, refresh_token: refreshToken } = credentials;
  if (email !== undefined && key !== undefined) {
    const assertion = signedClaim(email, key, credentials.token_uri ?? tokenAddress);
    return { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion };
  }
  if (refreshToken !== undefined) {
    return {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: credentials.client_id ?? '',
      client_secret: credentials.client_secret ?? '',
    };
  }
  throw new DownloadError(
    `${path} holds credentials of the type '${credentials.type}', which are not known here`,
    {
      isTemporary: false,
    },
  );
}

/** A JSON web token. RFC 7523. */
function signedClaim(email: string, key: string, audience: string): string {
  const now = Math.floor(Date.now() / 1000);
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const claim = { iss: email, scope, aud: audience, iat: now, exp: now + tokenSeconds };
  const text = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claim)}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(key, 'base64url')}`;
}
