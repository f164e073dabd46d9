import { CommandError } from '../command/exit-status.ts';

/** An input or output as a model's file declares it. */
export interface DeclaredTensor {
  readonly name: string;
  /** As configurations name it; null when the file does not say. */
  readonly dataType: string | null;
  /** With the batch dimension, -1 for what varies; null when the file does not say. */
  readonly shape: readonly number[] | null;
  /** Whether requests may leave it out. */
  readonly optional?: boolean;
}

/** What a model's file tells of itself. Read from its bytes: nothing in it is run. */
export interface ModelFile {
  /** The backend that runs it. */
  readonly backend: string;
  /** '' where the backend alone tells. */
  readonly platform: string;
  /** What it is called in a version's folder. */
  readonly localName: string;
  readonly inputs: readonly DeclaredTensor[];
  readonly outputs: readonly DeclaredTensor[];
  /** Files that belong to it, by their place beside it. */
  readonly companions: readonly { readonly from: string; readonly to: string }[];
  /** Settings of the backend without which it would not find the model in the file. */
  readonly parameters: Readonly<Record<string, string>>;
  /** What the user has to look at, for comments in the configuration. */
  readonly notes: readonly string[];
}

/** A file that is not what its name says. */
export function malformed(path: string, format: string, problem: string): CommandError {
  return new CommandError(`${path} is no ${format}: ${problem}`);
}

/** Of a file that says what its tensors are: which ones may have any number of dimensions. */
export function anyRankNotes(tensors: readonly DeclaredTensor[]): string[] {
  const names = tensors.filter(({ shape }) => shape === null).map(({ name }) => `'${name}'`);
  if (names.length === 0) return [];
  return [
    `The file does not say how many dimensions these have, correct dims: ${names.join(', ')}.`,
  ];
}
