import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { EndReason } from './reasons.ts';
import type { Sweep } from './sweep.ts';

/*
 * The only place where bytes are joined. Its promises: no byte is lost, doubled or reordered; at most one high-water mark per direction is buffered; the end of
 * one side ends the other after its queue, while the way back lives on; what is not a clean end arrives as a reset, because a peer cannot tell a clean early end
 * from a complete answer.
 */

/** One end of a relay. `reset` drops it at once with a TCP reset. */
export interface RelaySide {
  readonly stream: Duplex;
  reset(): void;
}

/** Milliseconds of silence that are allowed; 0 is for ever. */
export interface RelayLimits {
  readonly idleTimeoutMs: number;
  readonly halfCloseTimeoutMs: number;
  readonly sweep: Sweep;
}

/** Bytes read from the first side (`sent`) and from the second (`received`). */
export interface RelayBytes {
  readonly sent: number;
  readonly received: number;
}

/** A running relay. `ended` resolves once, when both sides are closed, and never rejects. */
export interface Relay {
  readonly ended: Promise<EndReason>;
  bytes(): RelayBytes;
  /** Whole seconds, in milliseconds, since the last byte was seen in either direction. */
  quietMs(): number;
  /** Drops both sides at once. */
  reset(reason: EndReason): void;
  /** Ends both sides after what is queued. */
  finish(reason: EndReason): void;
}

/** A TCP socket as a side. */
export function plainSide(socket: Socket): RelaySide {
  return { stream: socket, reset: () => void socket.resetAndDestroy() };
}

/** A TLS socket over `raw`. The reset goes to the raw socket: `destroy()` of either would send FIN, which a peer reads as a clean end. */
export function tlsSide(tls: TLSSocket, raw: Socket): RelaySide {
  return {
    stream: tls,
    reset: () => {
      raw.resetAndDestroy();
      tls.destroy();
    },
  };
}

/** Joins two open sides, neither of which has been read from, until both are closed. */
export function relay(first: RelaySide, second: RelaySide, limits: RelayLimits): Relay {
  const counts = { sent: 0, received: 0 };
  let verdict: EndReason | undefined;
  let settled = false;
  const silence = watchSilence(
    [first.stream, second.stream],
    () => counts.sent + counts.received,
    limits,
    (reason) => reset(reason),
  );
  const reset = (reason: EndReason): void => {
    if (!settled) {
      verdict ??= reason;
      first.reset();
      second.reset();
    }
  };
  const finish = (reason: EndReason): void => {
    verdict ??= reason;
    first.stream.end();
    second.stream.end();
  };

  const closed = [first, second].map((side) => watchClose(side.stream, () => reset('reset')));
  pump(first.stream, second.stream, (size) => {
    counts.sent += size;
  });
  pump(second.stream, first.stream, (size) => {
    counts.received += size;
  });

  const ended = Promise.all(closed).then(() => {
    settled = true;
    silence.stop();
    return verdict ?? 'eof';
  });
  return { ended, bytes: () => ({ ...counts }), quietMs: silence.quietMs, reset, finish };
}

/** Moves bytes one way. A full target stops the source until it has drained; the source's end ends the target after its queue. */
function pump(from: Duplex, to: Duplex, count: (size: number) => void): void {
  from.on('data', (chunk: Uint8Array) => {
    count(chunk.length);
    if (!to.write(chunk)) {
      from.pause();
    }
  });
  to.on('drain', () => from.resume());
  from.once('end', () => to.end());
  // An accepted socket was paused on purpose; a listener alone does not start it.
  from.resume();
}

/** Resolves when the stream is closed; tells first when that was before both of its directions had come to their end. */
function watchClose(stream: Duplex, onBroken: () => void): Promise<void> {
  return new Promise((resolve) => {
    const onClose = (): void => {
      if (!stream.readableEnded || !stream.writableFinished) {
        onBroken();
      }
      resolve();
    };
    stream.on('error', onBroken);
    if (stream.closed) {
      onClose();
    } else {
      stream.once('close', onClose);
    }
  });
}

/** Notices silence at each sweep, by the byte count alone. */
function watchSilence(
  streams: readonly [Duplex, Duplex],
  total: () => number,
  limits: RelayLimits,
  onSilent: (reason: EndReason) => void,
): { quietMs(): number; stop(): void } {
  let seen = 0;
  let seenAtMs: number | undefined;
  let halfClosedAtMs: number | undefined;
  let nowMs = 0;
  const stop = limits.sweep.add((at) => {
    nowMs = at;
    if (seenAtMs === undefined || total() !== seen) {
      seen = total();
      seenAtMs = at;
    }
    const isHalfClosed = streams.some((stream) => stream.readableEnded);
    halfClosedAtMs = isHalfClosed ? (halfClosedAtMs ?? at) : undefined;
    const exceeds = (limitMs: number, sinceMs: number): boolean => limitMs > 0 && at - sinceMs >= limitMs;
    if (halfClosedAtMs !== undefined && exceeds(limits.halfCloseTimeoutMs, Math.max(halfClosedAtMs, seenAtMs))) {
      onSilent('half-close-timeout');
    } else if (exceeds(limits.idleTimeoutMs, seenAtMs)) {
      onSilent('idle-timeout');
    }
  });
  return { quietMs: () => (seenAtMs === undefined ? 0 : nowMs - seenAtMs), stop };
}
