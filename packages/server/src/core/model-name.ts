import { TritonError } from '@nereid/protocol';

/** Longer names cannot be a folder on any file system that we know. */
const modelNameBytesMax = 255;

/**
 * Refuses names that cannot be a model's folder. `model..` and `...` are legal names; `..` and
 * anything with a path separator are not.
 *
 * @throws TritonError INVALID_ARG with Triton's texts.
 */
export function checkModelName(name: string): void {
  if (/^\s*$/u.test(name)) {
    throw new TritonError(
      'INVALID_ARG',
      'Model name cannot be empty. Please enter a valid name to deploy.',
    );
  }
  const trimmed = name.trim();
  // Triton lets '.', '\\' and NUL pass; none of them can name a model's folder.
  if (trimmed === '.' || trimmed === '..' || /[/\\\0]/u.test(name)) {
    throw new TritonError(
      'INVALID_ARG',
      `invalid model name '${name}', model name must not contain path traversal characters`,
    );
  }
  if (Buffer.byteLength(name) > modelNameBytesMax) {
    throw new TritonError(
      'INVALID_ARG',
      `invalid model name of ${Buffer.byteLength(name)} bytes, it must not be longer than ${modelNameBytesMax} bytes`,
    );
  }
}
