import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TritonError } from '@nereid/protocol';

/** Where the code of a thread lies, and how it is run. */
export interface ThreadCode {
  readonly script: URL;
  /** Of Node, for the thread. */
  readonly execArgv: readonly string[];
  /** The server's copy of the package that models import. */
  readonly packageUrl: string;
  /** Module hooks of Node 20. */
  readonly hooksUrl: string;
}

/** A `model.js` beside no package.json is a module when it looks like one: the default of later versions. */
const execArgv = ['--experimental-detect-module'];

/** Beside the bundle; from the sources, what the last build has made of them: a thread has no loader of TypeScript. */
export function threadCode(): ThreadCode {
  const beside = new URL('./model-thread.js', import.meta.url);
  const bundled = existsSync(fileURLToPath(beside));
  const script = bundled ? beside : new URL('../../../dist/model-thread.js', import.meta.url);
  if (!existsSync(fileURLToPath(script))) {
    throw new TritonError('INTERNAL', `the thread of JavaScript models is not built: ${script}`);
  }
  return {
    script,
    execArgv,
    packageUrl: bundled
      ? import.meta.resolve('@nereid/model')
      : new URL('../../model/dist/index.js', new URL('.', script)).href,
    hooksUrl: new URL('./model-thread-hooks.js', script).href,
  };
}
