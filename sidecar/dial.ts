import { connect, type Socket } from 'node:net';
import type { Clock } from '../runtime/clock.ts';

/** Where to connect. `localAddress`: the source, where it matters. */
export interface DialTarget {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
}

/** A connected socket from which nothing has been read, or why there is none. `code`: the system's word. */
export type DialEnd =
  | { readonly ok: true; readonly socket: Socket }
  | { readonly ok: false; readonly reason: 'refused' | 'timeout'; readonly code: string };

/** Connects within `timeoutMs`. The socket may be half-closed; its errors after this are heard, so that none ends the process. */
export function dial(target: DialTarget, timeoutMs: number, clock: Clock): Promise<DialEnd> {
  return new Promise((resolve) => {
    const socket = connect({
      ...target,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    });
    const cancel = clock.after(timeoutMs, () => {
      socket.destroy();
      resolve({ ok: false, reason: 'timeout', code: 'timeout' });
    });
    socket.on('error', (error) => {
      cancel();
      resolve({
        ok: false,
        reason: 'refused',
        code: 'code' in error && typeof error.code === 'string' ? error.code : 'unknown',
      });
    });
    socket.once('connect', () => {
      cancel();
      resolve({ ok: true, socket });
    });
  });
}
