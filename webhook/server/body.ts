import type { IncomingMessage } from 'node:http';

/** What came of reading a body: all of it, too much of it, or nothing because the client went away. */
export type Body =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'aborted' };

/**
 * Reads a request body of at most `limitBytes`, counted on the stream and not by a header that anybody may write (AR-05). What comes beyond the limit is
 * discarded unread, so that the answer reaches a client that is still sending. A half-received body is dropped (AR-07).
 */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Body> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    request.on('data', (chunk: Uint8Array) => {
      size += chunk.byteLength;
      if (size > limitBytes) {
        chunks.length = 0;
        resolve({ kind: 'too-large' });
        return;
      }
      chunks.push(chunk);
    });
    request.on('end', () => resolve({ kind: 'whole', bytes: Buffer.concat(chunks, Math.min(size, limitBytes)) }));
    request.on('close', () => resolve({ kind: 'aborted' }));
    request.on('error', () => resolve({ kind: 'aborted' }));
  });
}
