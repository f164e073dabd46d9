import {
  type FieldPath,
  formatPath,
  locateField,
  ModelConfigError,
  type TritonError,
} from '@nereid/protocol';

/** The file that a configuration was read from, kept to say where a wrong field stands. */
export interface ConfigSource {
  readonly fileName: string;
  readonly text: string;
}

/**
 * An error about one field: `message` as Triton words it, for the wire, and beside it where the field
 * stands and what to do.
 */
export function configError(
  code: TritonError['code'],
  message: string,
  source: ConfigSource | null,
  path: FieldPath,
  fix: string,
): ModelConfigError {
  const place = source === null ? null : locateField(source.text, path);
  return new ModelConfigError(code, message, {
    file: source?.fileName ?? null,
    line: place?.line ?? null,
    column: place?.column ?? null,
    field: formatPath(path),
    fix,
  });
}

/** `configError` with the code that almost all of them have. */
export function invalidConfig(
  message: string,
  source: ConfigSource | null,
  path: FieldPath,
  fix: string,
): ModelConfigError {
  return configError('INVALID_ARG', message, source, path, fix);
}
