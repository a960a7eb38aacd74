import type { Socket } from 'node:net';
import type { Clock } from '../../runtime/clock.ts';
import { readFirstBytes } from '../tls/client-hello.ts';

/** What a connection began with. `silent`: no byte within its time. `stalled`: a hello that did not become whole. `gone`: closed before it was known. */
export type Opening =
  | { readonly kind: 'hello'; readonly protocols: readonly string[] }
  | { readonly kind: 'plaintext' | 'malformed' | 'silent' | 'stalled' | 'gone' };

/** Milliseconds from now to the first byte, and to a whole hello. */
export interface OpeningTimes {
  readonly firstByteMs: number;
  readonly helloMs: number;
}

/**
 * Looks at the first bytes of a paused socket and puts them back: whoever reads next reads from the first byte on. Buffers no more than a hello may have.
 */
export function lookAtOpening(socket: Socket, { firstByteMs, helloMs }: OpeningTimes, clock: Clock): Promise<Opening> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const settle = (opening: Opening): void => {
      cancelFirst();
      cancelHello();
      socket.off('readable', onReadable);
      socket.off('end', onGone);
      socket.off('close', onGone);
      if (chunks.length > 0) {
        socket.unshift(Buffer.concat(chunks));
      }
      resolve(opening);
    };
    const onReadable = (): void => {
      for (let chunk = readChunk(socket); chunk !== undefined; chunk = readChunk(socket)) {
        cancelFirst();
        chunks.push(chunk);
      }
      const found = chunks.length === 0 ? undefined : readFirstBytes(Buffer.concat(chunks));
      if (found !== undefined && found.kind !== 'more') {
        settle(found);
      }
    };
    const onGone = (): void => settle({ kind: 'gone' });
    const cancelFirst = clock.after(firstByteMs, () => settle({ kind: 'silent' }));
    const cancelHello = clock.after(helloMs, () => settle({ kind: 'stalled' }));
    socket.on('readable', onReadable);
    socket.once('end', onGone);
    socket.once('close', onGone);
  });
}

function readChunk(socket: Socket): Buffer | undefined {
  const chunk: unknown = socket.read();
  return Buffer.isBuffer(chunk) ? chunk : undefined;
}
