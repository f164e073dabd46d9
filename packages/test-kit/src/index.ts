export { ManualClock } from './manual-clock.ts';
export {
  type ProcessEnd,
  runServerToEnd,
  ServerProcess,
  type ServerProcessOptions,
} from './server-process.ts';
