import type { ModelConfig } from '@nereid/protocol';
import type { ServerOptions } from '../options/server-options.ts';
import { type Finding, finding } from './finding.ts';

/** A second: nobody means to wait longer, but some mean milliseconds. */
const delayMicrosecondsMax = 1_000_000;

/** Settings that have another effect than one would think, or none. */
export function checkScheduling(
  subject: string,
  config: ModelConfig,
  options: ServerOptions,
): Finding[] {
  return [...checkBatching(subject, config), ...checkCache(subject, config, options)];
}

function checkBatching(subject: string, config: ModelConfig): Finding[] {
  const batching = config.dynamic_batching;
  if (batching === null) {
    const scheduled = config.sequence_batching !== null || config.ensemble_scheduling !== null;
    if (config.max_batch_size <= 1 || scheduled) return [];
    return [
      finding(
        'advice',
        subject,
        `it takes batches of up to ${config.max_batch_size}, but requests are never joined`,
        'add dynamic_batching { } to its config.pbtxt, unless its clients batch themselves',
      ),
    ];
  }
  if (config.max_batch_size === 0) {
    return [
      finding(
        'advice',
        subject,
        'dynamic_batching does not join requests of a model whose max_batch_size is 0',
        'set max_batch_size if the model can batch; otherwise dynamic_batching only orders its queue',
      ),
    ];
  }
  const delay = Number(batching.max_queue_delay_microseconds);
  if (delay <= delayMicrosecondsMax) return [];
  return [
    finding(
      'warning',
      subject,
      `max_queue_delay_microseconds lets each request wait ${delay / 1_000_000} seconds for others`,
      'give it in microseconds: 100 to 10000 are usual',
    ),
  ];
}

function checkCache(subject: string, config: ModelConfig, { given }: ServerOptions): Finding[] {
  if (config.response_cache?.enable !== true) return [];
  if (given.has('cache-config') || given.has('response-cache-byte-size')) return [];
  return [
    finding(
      'warning',
      subject,
      'it asks for the response cache, and the server has none',
      'start the server with --cache-config=local,size=104857600, or remove response_cache',
    ),
  ];
}
