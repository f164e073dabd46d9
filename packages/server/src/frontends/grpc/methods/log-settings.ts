import { TritonError } from '@nereid/protocol';
import { type LogChange, logFormatOf } from '../../../control-plane/log-control.ts';
import type { LogFormat } from '../../../observability/log-line.ts';
import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

/** `LogSettingsRequest.SettingValue`: the one member that was chosen, or none. */
interface SettingValue {
  readonly bool_param?: boolean;
  readonly uint32_param?: number;
  readonly string_param?: string;
}

type Settings = Readonly<Record<string, SettingValue>>;

/** Changes what is given, and shows what holds then. */
export const logSettingsRpc: GrpcRpc = unaryRpc<{ settings: Settings }>({
  name: 'LogSettings',
  category: 'logging',
  answer({ settings }, { logControl }) {
    logControl.change(logChange(settings));
    const { file, info, warning, error, verboseLevel, format } = logControl.status();
    return {
      settings: {
        log_file: { string_param: file },
        log_info: { bool_param: info },
        log_warning: { bool_param: warning },
        log_error: { bool_param: error },
        // As C++ casts it.
        log_verbose_level: { uint32_param: verboseLevel >>> 0 },
        log_format: { string_param: format },
      },
    };
  },
});

/** @throws TritonError with Triton's texts, of the first setting in its order that is wrong. */
function logChange(settings: Settings): LogChange {
  if (Object.hasOwn(settings, 'log_file')) {
    // What would be refused for its file is not looked at any further.
    return {
      file: true,
      info: null,
      warning: null,
      error: null,
      verboseLevel: null,
      format: null,
    };
  }
  return {
    file: false,
    info: booleanSetting(settings, 'log_info'),
    warning: booleanSetting(settings, 'log_warning'),
    error: booleanSetting(settings, 'log_error'),
    verboseLevel: setting(settings, 'log_verbose_level', 'int32', (value) => value.uint32_param),
    format: formatSetting(settings),
  };
}

function booleanSetting(settings: Settings, name: string): boolean | null {
  return setting(settings, name, 'boolean', (value) => value.bool_param);
}

function formatSetting(settings: Settings): LogFormat | null {
  const text = setting(settings, 'log_format', 'string', (value) => value.string_param);
  if (text === null) return null;
  const format = logFormatOf(text);
  if (format !== null) return format;
  throw new TritonError('INVALID_ARG', `invalid argument for log_format, got: ${text}`);
}

/** Null where the setting is absent. */
function setting<T>(
  settings: Settings,
  name: string,
  expected: string,
  read: (value: SettingValue) => T | undefined,
): T | null {
  const given = Object.hasOwn(settings, name) ? settings[name] : undefined;
  if (given === undefined) return null;
  const value = read(given);
  if (value !== undefined) return value;
  throw new TritonError('INVALID_ARG', `expect ${expected} for '${name}'`);
}
