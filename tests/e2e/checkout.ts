import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout's root. */
export const checkout: string = fileURLToPath(new URL('../..', import.meta.url));

/** The repository that `npm start` serves. */
export const exampleModels: string = join(checkout, 'examples', 'models');

/** Requests to the example models and their answers. */
export const exampleInputs: string = join(checkout, 'examples', 'inputs');
