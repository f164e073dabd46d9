import { TritonError } from '@nereid/protocol';
import {
  levelNames,
  settingTexts,
  type TraceRequest,
} from '../../../control-plane/trace-control.ts';
import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

interface SettingValue {
  /** None clears the setting. */
  readonly value: readonly string[];
}

type Settings = Readonly<Record<string, SettingValue>>;

/** Shows the settings of a model, or the global ones; settings in the request are changed first. */
export const traceSettingRpc: GrpcRpc = unaryRpc<{ settings: Settings; model_name: string }>({
  name: 'TraceSetting',
  category: 'trace',
  answer({ settings, model_name }, { traceControl }) {
    traceControl.refuseUnknown(model_name);
    if (Object.keys(settings).length > 0) {
      traceControl.change(
        model_name,
        traceRequest(settings),
        (text) => `Unable to parse 'trace_count'. Expecting value >= -1, got: ${text}`,
      );
    }
    const status = traceControl.status(model_name);
    const answer: Record<string, { value: string[] }> = {
      trace_level: { value: [...levelNames(status)] },
    };
    for (const [name, value] of settingTexts(status)) {
      const values = Object.hasOwn(answer, name) ? answer[name] : undefined;
      if (values === undefined) answer[name] = { value: [value] };
      else values.value.push(value);
    }
    return { settings: answer };
  },
});

/** @throws TritonError INVALID_ARG for a setting with more than one value. */
function traceRequest(settings: Settings): TraceRequest {
  const valuesOf = (name: string): readonly string[] | undefined =>
    Object.hasOwn(settings, name) ? settings[name]?.value : undefined;
  const file = valuesOf('trace_file') !== undefined;
  // What is refused for its file is not looked at any further.
  if (file) return { file, level: null, rate: null, count: null, logFrequency: null };
  const single = (name: string): string | null | undefined => {
    const values = valuesOf(name);
    if (values === undefined) return undefined;
    if (values.length <= 1) return values[0] ?? null;
    throw new TritonError('INVALID_ARG', `expect only 1 value for '${name}'`);
  };
  const levels = valuesOf('trace_level');
  return {
    file,
    level: levels?.length === 0 ? null : levels,
    rate: single('trace_rate'),
    count: single('trace_count'),
    logFrequency: single('log_frequency'),
  };
}
