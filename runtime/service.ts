import type { Deadline } from './deadline.ts';

/** How a service came to its end: asked to, or by itself with the cause. */
export type Ended = { readonly by: 'stop' } | { readonly by: 'itself'; readonly cause: unknown };

/**
 * One part of a long-running program.
 *
 * `start` resolves when the service is *ready* and rejects when it cannot be; `stop` resolves when it is quiet, at the latest at the deadline;
 * `ended` resolves when it is over, whoever ended it, and never rejects.
 */
export interface Service {
  readonly name: string;
  start(signal: AbortSignal): Promise<void>;
  stop(deadline: Deadline): Promise<void>;
  readonly ended: Promise<Ended>;
}
