import type { Clock } from '../../../core/clock.ts';
import type { Logger } from '../../../core/logger.ts';
import type { EnvironmentCache } from './environment-cache.ts';
import type { CommandRunner } from './run-command.ts';

/** What the making of a model's environment works with. */
export interface EnvironmentContext {
  readonly modelName: string;
  readonly cache: EnvironmentCache;
  readonly cacheDirectory: string;
  /** Keys of requirements that the interpreter has: asking pip takes a second. */
  readonly satisfied: Set<string>;
  readonly commands: CommandRunner;
  /** For each command. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}
