import { type JsonValue, jsonMember, readJson, TritonError } from '@nereid/protocol';
import { type LogChange, logFormatOf } from '../../../control-plane/log-control.ts';
import type { LogFormat } from '../../../observability/log-line.ts';
import type { HttpRoute } from '../http-route.ts';
import { sendJson } from '../replies.ts';
import { booleanOf, refuseLongJson, textOf, unsignedOf } from '../request-json.ts';

export const loggingRoute: HttpRoute = {
  methods: ['GET', 'POST'],
  path: '/v2/logging',
  meaning:
    'Log settings; POST changes `log_info`, `log_warning`, `log_error`, `log_verbose_level` and `log_format`',
  origin: 'triton',
  category: 'logging',
  contentType: 'application/json',
  handle({ context, request, responder }) {
    if (request.method === 'POST' && request.body.byteLength > 0) {
      refuseLongJson(request.body, context.options.maxInputBytes);
      context.logControl.change(logChange(readJson(request.body)));
    }
    const { file, info, warning, error, verboseLevel, format } = context.logControl.status();
    sendJson(responder, {
      log_file: file,
      log_info: info,
      log_warning: warning,
      log_error: error,
      log_verbose_level: verboseLevel,
      log_format: format,
    });
  },
};

/** @throws TritonError with Triton's texts, of the first setting in its order that is wrong. */
function logChange(json: JsonValue): LogChange {
  const file = jsonMember(json, 'log_file') ?? null;
  return {
    file: file !== null,
    // What would be refused for its file is not looked at any further.
    ...(file !== null
      ? { info: null, warning: null, error: null, verboseLevel: null, format: null }
      : {
          info: setting(json, 'log_info', booleanOf),
          warning: setting(json, 'log_warning', booleanOf),
          error: setting(json, 'log_error', booleanOf),
          verboseLevel: setting(json, 'log_verbose_level', unsignedOf),
          format: setting(json, 'log_format', formatOf),
        }),
  };
}

/** Null for null as for what is absent. */
function setting<T>(json: JsonValue, name: string, read: (value: JsonValue) => T): T | null {
  const value = jsonMember(json, name) ?? null;
  return value === null ? null : read(value);
}

function formatOf(value: JsonValue): LogFormat {
  const text = textOf(value);
  const format = logFormatOf(text);
  if (format !== null) return format;
  // A habit of Triton's: over gRPC it is INVALID_ARG, with another text.
  throw new TritonError('UNAVAILABLE', `invalid argument for --log_format, got: ${text}`);
}
