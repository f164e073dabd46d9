import { ConfigurationError } from './vision-error.ts';

export type TritonProtocol = 'grpc' | 'http';

/** Environment variables by name. */
type Environment = Readonly<Record<string, string | undefined>>;

const retriesMax = 100;

/** A value of a variable, or null when the text is none. */
type Reader<T> = (text: string) => T | null;

const readBoolean: Reader<boolean> = (text) => {
  if (/^(true|1|yes|on)$/iu.test(text)) return true;
  return /^(false|0|no|off)$/iu.test(text) ? false : null;
};

const readAddress: Reader<string> = (text) =>
  /^(?:(?:https?|grpcs?):\/\/)?(?:\[[0-9a-f:.]+\]|[^/:@?#\s]+)(?::\d{1,5})?(?:\/[^?#\s]*)?$/iu.test(
    text,
  )
    ? text
    : null;

const readProtocol: Reader<TritonProtocol> = (text) => {
  const name = text.toLowerCase();
  return name === 'grpc' || name === 'http' ? name : null;
};

const readNumber =
  (fits: (value: number) => boolean): Reader<number> =>
  (text) => {
    const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/iu.test(text) ? Number(text) : Number.NaN;
    return fits(value) ? value : null;
  };

/** How one setting is called in the environment and what it may be. */
interface Setting<T> {
  readonly variable: string;
  readonly fallback: T;
  readonly expected: string;
  readonly read: Reader<T>;
}

const settings = {
  enabled: {
    variable: 'TRITON_ENABLED',
    fallback: false,
    expected: 'true or false',
    read: readBoolean,
  },
  url: {
    variable: 'TRITON_URL',
    fallback: 'localhost:8001',
    expected: 'the address of a server, as localhost:8001',
    read: readAddress,
  },
  httpUrl: {
    variable: 'TRITON_HTTP_URL',
    fallback: 'localhost:8000',
    expected: 'the address of a server, as localhost:8000',
    read: readAddress,
  },
  protocol: {
    variable: 'TRITON_PROTOCOL',
    fallback: 'grpc',
    expected: 'grpc or http',
    read: readProtocol,
  },
  timeoutSeconds: {
    variable: 'TRITON_TIMEOUT',
    fallback: 60,
    expected: 'a number of seconds above 0',
    read: readNumber((value) => value > 0 && value <= 86_400),
  },
  model: {
    variable: 'TRITON_MODEL',
    fallback: 'yolo26',
    expected: 'the name of a model',
    read: (text: string) => (/[/\\\s]/u.test(text) ? null : text),
  },
  maxRetries: {
    variable: 'TRITON_MAX_RETRIES',
    fallback: 3,
    expected: `a whole number from 0 to ${retriesMax}`,
    read: readNumber((value) => Number.isInteger(value) && value >= 0 && value <= retriesMax),
  },
  confidenceThreshold: {
    variable: 'TRITON_CONFIDENCE_THRESHOLD',
    fallback: 0.5,
    expected: 'a number from 0 to 1',
    read: readNumber((value) => value >= 0 && value <= 1),
  },
  verbose: {
    variable: 'TRITON_VERBOSE',
    fallback: false,
    expected: 'true or false',
    read: readBoolean,
  },
} as const satisfies Record<string, Setting<boolean> | Setting<string> | Setting<number>>;

/** Settings as they may be given; what is left out has its default. */
export type TritonSettings = Partial<
  Pick<
    TritonConfig,
    | 'enabled'
    | 'url'
    | 'httpUrl'
    | 'protocol'
    | 'timeoutSeconds'
    | 'model'
    | 'maxRetries'
    | 'confidenceThreshold'
    | 'verbose'
  >
>;

/** How a `TritonClient` reaches its server. Checked when it is made. */
export class TritonConfig {
  /** Whether detection on Triton is wanted at all. Default false. */
  readonly enabled: boolean;
  /** Where gRPC is served. Default `localhost:8001`. */
  readonly url: string;
  /** Where HTTP is served. Default `localhost:8000`. */
  readonly httpUrl: string;
  /** Default `grpc`. */
  readonly protocol: TritonProtocol;
  /** A call's whole time, its retries included. Default 60. */
  readonly timeoutSeconds: number;
  /** The model that is asked where a call names none. Default `yolo26`. */
  readonly model: string;
  /** How often a request is sent again at most. Default 3. */
  readonly maxRetries: number;
  /** Detections below it are left out; from 0 to 1. Default 0.5. */
  readonly confidenceThreshold: number;
  /** Whether each request and what became of it is written to stderr. Default false. */
  readonly verbose: boolean;

  /** @throws ConfigurationError for a value that cannot be. */
  constructor(given: TritonSettings = {}) {
    const value = <T>(name: keyof TritonSettings, setting: Setting<T>): T => {
      const own = given[name];
      return own === undefined ? setting.fallback : checked(name, setting, String(own));
    };
    this.enabled = value<boolean>('enabled', settings.enabled);
    this.url = value<string>('url', settings.url);
    this.httpUrl = value<string>('httpUrl', settings.httpUrl);
    this.protocol = value<TritonProtocol>('protocol', settings.protocol);
    this.timeoutSeconds = value<number>('timeoutSeconds', settings.timeoutSeconds);
    this.model = value<string>('model', settings.model);
    this.maxRetries = value<number>('maxRetries', settings.maxRetries);
    this.confidenceThreshold = value<number>('confidenceThreshold', settings.confidenceThreshold);
    this.verbose = value<boolean>('verbose', settings.verbose);
  }

  /**
   * Reads `TRITON_ENABLED`, `TRITON_URL`, `TRITON_HTTP_URL`, `TRITON_PROTOCOL`, `TRITON_TIMEOUT` (seconds), `TRITON_MODEL`,
   * `TRITON_MAX_RETRIES`, `TRITON_CONFIDENCE_THRESHOLD` and `TRITON_VERBOSE`. One that is missing or empty has its default.
   * @throws ConfigurationError that names the variable and its value.
   */
  static fromEnv(environment: Environment = process.env): TritonConfig {
    const found: Record<string, unknown> = {};
    for (const [name, setting] of Object.entries(settings)) {
      const text = environment[setting.variable]?.trim() ?? '';
      if (text !== '') found[name] = checked(setting.variable, setting as Setting<unknown>, text);
    }
    return new TritonConfig(found as TritonSettings);
  }
}

function checked<T>(name: string, setting: Setting<T>, text: string): T {
  const value = text === '' ? null : setting.read(text);
  if (value === null) throw new ConfigurationError(name, text, setting.expected);
  return value;
}
