export { type RunningServer, type StartServerOptions, startServer } from './embedded-server.ts';
