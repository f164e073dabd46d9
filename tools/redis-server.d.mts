export type RedisServer =
  | { readonly available: true; readonly path: string; readonly tls: boolean }
  | { readonly available: false; readonly reason: string };

/** Gives a redis-server, downloaded into .cache if need be, or why there is none. */
export function ensureRedisServer(): RedisServer;
