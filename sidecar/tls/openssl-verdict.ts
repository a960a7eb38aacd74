import type { TLSSocket } from 'node:tls';

/** OpenSSL's word about a peer's chain. `unreadable`: this Node does not tell any more, which the start-up self-test turns into an exit. */
export type OpensslVerdict =
  | { readonly kind: 'trusted' }
  | { readonly kind: 'untrusted'; readonly code: string }
  | { readonly kind: 'unreadable' };

/**
 * Reads OpenSSL's verdict of a finished handshake.
 *
 * On a server socket that wraps a raw one, `authorized` is always false; the verdict itself is `ssl.verifyError()`, undocumented, null when good. This is the
 * only place that reads it, and whatever it does not understand is not trust.
 */
export function readOpensslVerdict(socket: TLSSocket): OpensslVerdict {
  const ssl: unknown = Reflect.get(socket, 'ssl');
  if (typeof ssl !== 'object' || ssl === null || !('verifyError' in ssl) || typeof ssl.verifyError !== 'function') {
    return { kind: 'unreadable' };
  }
  const error: unknown = Reflect.apply(ssl.verifyError, ssl, []);
  if (error === null) {
    return { kind: 'trusted' };
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return { kind: 'untrusted', code: error.code };
  }
  return { kind: 'unreadable' };
}
