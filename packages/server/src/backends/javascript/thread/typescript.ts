import { type Transform, transform } from 'sucrase';

const transforms: Transform[] = ['typescript'];

/**
 * JavaScript of a TypeScript file, line by line where it was. Types are taken out and not checked.
 * @throws SyntaxError that names file and place
 */
export function compileTypeScript(text: string, path: string): string {
  try {
    // What Node itself understands stays as it is.
    return transform(text, { transforms, disableESTransforms: true, filePath: path }).code;
  } catch (error) {
    throw new SyntaxError(
      (error as Error).message.replace(`Error transforming ${path}: `, `${path}: `),
    );
  }
}
