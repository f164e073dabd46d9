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

/** Beside the bundle; or the sources, which a loader of TypeScript runs. */
export function threadCode(): ThreadCode {
  const packageUrl = import.meta.resolve('@nereid/model');
  const bundled = new URL('./model-thread.js', import.meta.url);
  // A CommonJS loader's rule for a `model.js` beside no package.json: what looks like a module is one.
  const detectModule = '--experimental-detect-module';
  if (existsSync(fileURLToPath(bundled))) {
    const hooksUrl = new URL('./model-thread-hooks.js', import.meta.url).href;
    return { script: bundled, execArgv: [detectModule], packageUrl, hooksUrl };
  }
  const script = new URL('./thread/thread-main.ts', import.meta.url);
  if (!existsSync(fileURLToPath(script))) {
    throw new TritonError(
      'INTERNAL',
      `the thread of JavaScript models is missing: ${bundled.href}`,
    );
  }
  return {
    script,
    execArgv: ['--conditions=nereid-source', '--import=tsx', detectModule],
    packageUrl,
    hooksUrl: new URL('./thread/hooks-main.ts', import.meta.url).href,
  };
}
