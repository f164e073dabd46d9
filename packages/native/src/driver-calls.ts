import {
  bindSymbol,
  callOnThread,
  loadLibrary,
  type NativeArgument,
  type NativeType,
} from './koffi-library.ts';
import { NativeError } from './native-error.ts';

/** Functions of a library as they are called: `int` status, 0 for success. Tests give their own. */
export interface DriverCalls<Name extends string> {
  /** On a thread: drivers take their time. */
  call(name: Name, args: readonly NativeArgument[]): Promise<number>;
}

/** @returns null where the machine has no such library, or one that lacks one of the functions. */
export function driverCalls<Name extends string>(
  libraryName: string,
  parameters: Readonly<Record<Name, readonly NativeType[]>>,
): DriverCalls<Name> | null {
  try {
    const library = loadLibrary(libraryName);
    const names = Object.keys(parameters) as Name[];
    const functions = new Map(
      names.map((name) => [name, bindSymbol(library, name, 'int', parameters[name])]),
    );
    if ([...functions.values()].includes(null)) return null;
    return {
      call(name, args) {
        const bound = functions.get(name) ?? null;
        if (bound === null) throw new Error(`${name} is not bound`);
        return callOnThread(bound, args);
      },
    };
  } catch (error) {
    if (error instanceof NativeError) return null;
    throw error;
  }
}
