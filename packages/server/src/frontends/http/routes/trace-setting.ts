import { type JsonValue, jsonMember, readJson, TritonError } from '@nereid/protocol';
import {
  levelNames,
  settingTexts,
  type TraceRequest,
} from '../../../control-plane/trace-control.ts';
import type { HttpCall, HttpRoute } from '../http-route.ts';
import { sendJson } from '../replies.ts';
import { refuseLongJson, textOf } from '../request-json.ts';

/** Shows the settings of a model, or the global ones; POST changes them first. */
function handle({ context, request, responder, match }: HttpCall): undefined {
  const { traceControl } = context;
  traceControl.refuseUnknown(match.model);
  if (request.method === 'POST') {
    refuseLongJson(request.body, context.options.maxInputBytes);
    const json = request.body.byteLength === 0 ? null : readJson(request.body);
    traceControl.change(
      match.model,
      traceRequest(json),
      (text) => `Unable to parse 'trace_count'. Expecting value >= -1, got:${text}`,
    );
  }
  const status = traceControl.status(match.model);
  sendJson(responder, {
    trace_level: levelNames(status),
    ...Object.fromEntries(settingTexts(status)),
  });
}

export const traceSettingRoutes: readonly HttpRoute[] = [
  {
    methods: ['GET', 'POST'],
    path: '/v2/trace/setting',
    meaning:
      'Trace settings of all models without their own; POST changes `trace_level`, `trace_rate`, `trace_count` and `log_frequency`, null clears one',
    origin: 'triton',
    category: 'trace',
    contentType: 'application/json',
    handle,
  },
  {
    methods: ['GET', 'POST'],
    path: '/v2/models/{model}/trace/setting',
    meaning: 'Trace settings of a model; what it does not set is as for all',
    origin: 'triton',
    category: 'trace',
    contentType: 'application/json',
    handle,
  },
];

/** @throws TritonError INTERNAL with the texts of Triton's JSON library. */
function traceRequest(json: JsonValue): TraceRequest {
  const setting = <T>(name: string, read: (value: JsonValue) => T): T | null | undefined => {
    const value = jsonMember(json, name);
    return value == null ? value : read(value);
  };
  const file = jsonMember(json, 'trace_file') !== undefined;
  // What is refused for its file is not looked at any further.
  if (file) return { file, level: null, rate: null, count: null, logFrequency: null };
  return {
    file,
    level: setting('trace_level', levelsOf),
    rate: setting('trace_rate', textOf),
    count: setting('trace_count', textOf),
    logFrequency: setting('log_frequency', textOf),
  };
}

function levelsOf(value: JsonValue): readonly string[] {
  if (!Array.isArray(value)) {
    throw new TritonError('INTERNAL', 'attempt to access JSON non-array as array');
  }
  return value.map(textOf);
}
