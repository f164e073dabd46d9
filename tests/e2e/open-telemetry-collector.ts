import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { boundChild, eventually, freePorts } from '@nereid/test-kit';
import { ensureOwnGoTool, type GoTool } from '../../tools/go-tools.mjs';
import { checkout } from './checkout.ts';

/** OpenTelemetry's own collector, or why it cannot be had here. */
export const collectorTool: GoTool = ensureOwnGoTool(
  join(checkout, 'tests', 'e2e', 'collector'),
  'collector',
);

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string };
}

/** A span of OTLP/JSON, as the collector wrote it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** '' or missing for none. */
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly Attribute[];
  readonly events?: readonly { readonly name: string; readonly timeUnixNano: string }[];
}

interface ExportLine {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes?: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name?: string };
      readonly spans: readonly CollectedSpan[];
    }[];
  }[];
}

/** Names and values; numbers are numbers. */
export function attributesOf(
  attributes: readonly Attribute[] = [],
): Readonly<Record<string, string | number>> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
  );
}

/** A collector that runs: OTLP over HTTP in, through a pipeline, to what `spans` gives. */
export class Collector {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #lines: ExportLine[] = [];

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      this.#lines.push(JSON.parse(line) as ExportLine),
    );
  }

  static async start(): Promise<Collector> {
    if (!collectorTool.available) throw new Error(collectorTool.reason);
    const [port = 0] = await freePorts(1);
    const config = {
      receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
      exporters: { lines: {} },
      service: { pipelines: { traces: { receivers: ['otlp'], exporters: ['lines'] } } },
    };
    const child = spawn(collectorTool.path, [`--config=yaml:${JSON.stringify(config)}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const collector = new Collector(boundChild(child), port);
    await eventually(() => accepts(port));
    return collector;
  }

  get spans(): readonly CollectedSpan[] {
    return this.#lines.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    );
  }

  /** Attributes of every resource that sent something. */
  get resources(): readonly Readonly<Record<string, string | number>>[] {
    return this.#lines.flatMap(({ resourceSpans }) =>
      resourceSpans.map(({ resource }) => attributesOf(resource.attributes)),
    );
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    await closed;
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
