import type { Agent } from 'node:https';
import { connect, createSecureContext, type TLSSocket } from 'node:tls';
import type { Clock } from '../../runtime/clock.ts';
import { printPem } from '../../spiffe/pem.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { X509Bundle } from '../../spiffe/trust-bundle.ts';
import { verifyX509Svid } from '../../spiffe/x509-path.ts';
import { unreachable, untrusted } from './failures.ts';
import { peerChain } from './peer-chain.ts';

export interface ConnectOptions {
  readonly authorityId: SpiffeId;
  readonly anchors: X509Bundle;
  readonly identity?: { readonly certPem: string; readonly keyPem: string };
  readonly localAddress?: string;
  readonly clock: Clock;
  /** Limit of connect and handshake together. */
  readonly connectTimeoutMs: number;
}

/**
 * How an agent connects: the socket is handed over only after the server proved to be the authority, so no request byte (no token) ever reaches anybody
 * else. TLS 1.3 only; the context is made once, for all connections of the client.
 */
export function connectTo(options: ConnectOptions): Agent['createConnection'] {
  const secureContext = createSecureContext({
    ca: options.anchors.authorities.map(({ der }) => printPem(der)),
    allowPartialTrustChain: true,
    minVersion: 'TLSv1.3',
    ...(options.identity === undefined ? {} : { cert: options.identity.certPem, key: options.identity.keyPem }),
  });
  return (target, done) => {
    // The host names no identity: who answers is judged by SPIFFE ID below, so neither SNI nor a name check takes part.
    const socket = connect({
      host: target.host ?? '',
      port: Number(target.port),
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
      secureContext,
      servername: '',
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    const cancel = options.clock.after(options.connectTimeoutMs, () =>
      socket.destroy(new Error('no handshake in time')),
    );
    const onError = (error: Error): void => {
      cancel();
      done?.(unreachable(error), socket);
    };
    socket.once('error', onError);
    socket.once('secureConnect', () => {
      cancel();
      socket.removeListener('error', onError);
      const fault = faultOf(socket, options);
      if (fault !== undefined) {
        socket.on('error', () => undefined);
        socket.destroy();
        done?.(untrusted(fault), socket);
        return;
      }
      done?.(null, socket);
    });
    return undefined;
  };
}

/** Why the server is not the authority: first OpenSSL's word, then ours; undefined when it is. */
function faultOf(socket: TLSSocket, options: ConnectOptions): string | undefined {
  if (!socket.authorized) {
    const error: unknown = socket.authorizationError;
    return error instanceof Error ? error.message : String(error);
  }
  const { anchors, authorityId, clock } = options;
  const verified = verifyX509Svid(peerChain(socket), new Map([[anchors.trustDomain, anchors]]), clock.now());
  if (!verified.ok) {
    return verified.problem.clause ?? verified.problem.code;
  }
  return verified.value.spiffeId.text === authorityId.text ? undefined : 'peer-id-mismatch';
}
