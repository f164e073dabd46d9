import { jsonDoubleText } from '@nereid/protocol';
import type { HeaderField } from '@nereid/transport';
import type { HttpCall } from './http-route.ts';

/** The family that TensorRT-LLM's models keep, with the kinds of its samples. */
const sampleLine =
  /^nv_trt_llm_kv_cache_block_metrics\{[^\n]*kv_cache_block_type="(tokens_per|used|max)"[^\n]*\} (\S+)$/gmu;

/**
 * How full the key-value cache is, in the forms of ORCA (Open Request Cost Aggregation), for clients that ask
 * for it by `endpoint-load-metrics-format: text|json`. Two models that both keep the family are not told apart,
 * as in Triton: the last one counts.
 *
 * @returns `headers`, with one more where there is something to tell.
 */
export function withLoadMetrics(
  { request, context }: HttpCall,
  headers: readonly HeaderField[],
): readonly HeaderField[] {
  const format = request.header('endpoint-load-metrics-format');
  if (format === null) return headers;
  const metrics = loadMetrics(format, context.metricsText('prometheus'));
  if (metrics !== null) return [...headers, ['endpoint-load-metrics', metrics]];
  const text = `no endpoint-load-metrics in format '${format.slice(0, 32)}'`;
  context.logger.verbose(1, text);
  return headers;
}

/** @returns null for another format, and without the metrics. */
function loadMetrics(format: string, metricsText: string): string | null {
  const values = new Map<string, number>();
  for (const [, type = '', value] of metricsText.matchAll(sampleLine)) {
    values.set(type, Number(value));
  }
  const sampleOf = (type: string): number => values.get(type) ?? -1;
  const [tokens, used, max] = [sampleOf('tokens_per'), sampleOf('used'), sampleOf('max')];
  if (!(tokens >= 0 && used >= 0 && max >= 0)) return null;
  const utilization = max === 0 ? 0 : used / max;
  const capacity = Math.trunc(max * tokens);
  if (format === 'json') {
    return `JSON {"named_metrics":{"kv_cache_utilization":${jsonDoubleText(utilization)},"max_token_capacity":${capacity}}}`;
  }
  if (format !== 'text') return null;
  return `TEXT named_metrics.kv_cache_utilization=${utilization.toFixed(6)}, named_metrics.max_token_capacity=${capacity}`;
}
