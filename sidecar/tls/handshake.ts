import type { Socket } from 'node:net';
import { connect, TLSSocket } from 'node:tls';
import type { Clock } from '../../runtime/clock.ts';
import type { Refusal } from '../reasons.ts';
import type { TlsGeneration } from './contexts.ts';
import { readOpensslVerdict } from './openssl-verdict.ts';
import type { Peer, PeerJudge } from './peer.ts';

/** Our own name in ALPN: what follows the handshake are the application's bytes. */
export const sallyportProtocol = 'sallyport/1';

/** A finished handshake, judged twice; not a byte of it has been read. `connectionId`: the same at both ends, 32 hex digits. */
export interface SecuredConnection {
  readonly socket: TLSSocket;
  readonly peer: Peer;
  readonly connectionId: string;
  readonly group: string | undefined;
}

/** A handshake is over: carried on, or refused. The raw socket of a refused one is the caller's to reset. */
export type HandshakeEnd =
  | { readonly ok: true; readonly secured: SecuredConnection }
  | { readonly ok: false; readonly refusal: Refusal };

/** What both directions need. `timeoutMs` bounds the whole handshake, judgement included. */
export interface HandshakeOptions {
  readonly tls: TlsGeneration;
  readonly judge: PeerJudge;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/**
 * Terminates TLS on an accepted socket. `protocol` is answered in ALPN and must have been offered.
 *
 * The raw socket is wrapped by us: a `tls.Server` ignores partial trust chains. Half-close works because the raw socket has `allowHalfOpen`.
 */
export function acceptTls(raw: Socket, protocol: string | undefined, options: HandshakeOptions): Promise<HandshakeEnd> {
  const socket = new TLSSocket(raw, {
    isServer: true,
    secureContext: options.tls.inbound,
    requestCert: true,
    rejectUnauthorized: true,
    ...(protocol === undefined ? {} : { ALPNProtocols: [protocol] }),
  });
  return settle(socket, raw, 'secure', options, serverRefusal);
}

/** Originates TLS on a connected socket. Who answers is judged by SPIFFE ID, so no name is sent and none is checked. */
export function connectTls(raw: Socket, offerOurs: boolean, options: HandshakeOptions): Promise<HandshakeEnd> {
  const socket = connect({
    socket: raw,
    secureContext: options.tls.outbound,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    servername: '',
    ...(offerOurs ? { ALPNProtocols: [sallyportProtocol] } : {}),
  });
  return settle(socket, raw, 'secureConnect', options, () => 'handshake-failed');
}

function settle(
  socket: TLSSocket,
  raw: Socket,
  event: 'secure' | 'secureConnect',
  options: HandshakeOptions,
  reasonOf: (code: string) => Refusal['reason'],
): Promise<HandshakeEnd> {
  return new Promise((resolve) => {
    const done = (end: HandshakeEnd): void => {
      cancel();
      socket.off('close', onClose);
      resolve(end);
    };
    const fail = (reason: Refusal['reason'], detail?: string): void =>
      done({ ok: false, refusal: detail === undefined ? { reason } : { reason, detail } });
    const onClose = (): void => fail(reasonOf('closed'), 'closed');
    const cancel = options.clock.after(options.timeoutMs, () => fail('handshake-timeout'));
    // The listener stays for good: an error of either socket that nobody hears would end the process.
    socket.on('error', (error) => fail(reasonOf(codeOf(error)), codeOf(error)));
    raw.on('error', (error) => fail(reasonOf(codeOf(error)), codeOf(error)));
    socket.once('close', onClose);
    socket.once(event, () => done(judge(socket, options)));
  });
}

/** OpenSSL's verdict, then ours. A resumed session shows no chain to judge and is refused. */
function judge(socket: TLSSocket, { tls, judge: peers, clock }: HandshakeOptions): HandshakeEnd {
  if (socket.isSessionReused()) {
    return { ok: false, refusal: { reason: 'resumed' } };
  }
  const verdict = readOpensslVerdict(socket);
  if (verdict.kind !== 'trusted') {
    const detail = verdict.kind === 'untrusted' ? verdict.code : verdict.kind;
    return { ok: false, refusal: { reason: 'tls-untrusted', detail } };
  }
  const judged = peers.judge(socket, tls.snapshot, clock.now());
  if (!judged.ok) {
    return judged;
  }
  const connectionId = socket
    .exportKeyingMaterial(16, 'EXPORTER-sallyport-connection', Buffer.alloc(0))
    .toString('hex');
  return { ok: true, secured: { socket, peer: judged.peer, connectionId, group: groupOf(socket) } };
}

function serverRefusal(code: string): Refusal['reason'] {
  return code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' ? 'no-client-certificate' : 'tls-protocol';
}

/** The key exchange group, where Node tells it. */
function groupOf(socket: TLSSocket): string | undefined {
  const info: unknown = socket.getEphemeralKeyInfo();
  return typeof info === 'object' && info !== null && 'name' in info && typeof info.name === 'string'
    ? info.name
    : undefined;
}

/** The library's word for an error, never its text. */
function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}
