import type { Trace } from '../../core/trace.ts';

/**
 * A request that was sampled, as its front end sees it. Written down once the front end has closed it
 * and every trace that was started of it has ended.
 */
export interface FrontEndTrace {
  /** For the data plane. */
  readonly trace: Trace;
  /** Notes a time outside of inference, such as HTTP_RECV_START. @param ns `Clock.nowNs`; the current time if left out. */
  capture(name: string, ns?: number): void;
  /** The answer is out. May be called again. */
  close(): void;
}

/** Looks up a header, or metadata, of the request: by a name in lower case. */
export type HeaderLookup = (name: string) => string | null;
