import { Agent } from 'node:https';
import type { Clock } from '../../runtime/clock.ts';
import type { Secret } from '../../runtime/secret.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { X509Bundle } from '../../spiffe/trust-bundle.ts';
import { connectTo } from './connect.ts';
import { exchange } from './exchange.ts';
import { malformedAnswer } from './failures.ts';
import {
  type Acknowledgement,
  type DirectoryRequest,
  type StreamMessage,
  type X509Answer,
  x509Answer,
} from './messages.ts';
import { type AuthorityStream, openStream } from './stream.ts';

/*
 * PUBLISHED CONTRACT: how a sidecar speaks to the authority. One client is made per set of TLS material, and closed when the next one takes over: no
 * connection outlives the SVID or the anchors it was judged by.
 */

/** The caller's own SVID: chain and key as PEM, the form `node:tls` takes. */
export interface ClientIdentity {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface AuthorityClientOptions {
  /** `host:port`, or `[v6]:port`. */
  readonly address: string;
  /** The only SPIFFE ID that may answer there. */
  readonly authorityId: SpiffeId;
  /** Anchors of the authority's trust domain: of the stream, else of `ca.pem`. */
  readonly anchors: X509Bundle;
  /** Absent: the call proves itself by token only. */
  readonly identity?: ClientIdentity;
  /** Source address of the dials. */
  readonly localAddress?: string;
  readonly clock: Clock;
  /** Limit of one call, the stream excepted. Default 10 s. */
  readonly callTimeoutMs?: number;
  /** Silence after which a stream is given up; the authority sends a heartbeat every 15 s. Default 40 s. */
  readonly silenceTimeoutMs?: number;
}

export interface X509Call {
  /** The pod's projected token, read at this use. */
  readonly token: Secret;
  /** PKCS#10, DER. */
  readonly csr: Uint8Array;
  readonly ttlSeconds?: number;
}

/** Every call rejects with `AuthorityFailure` and nothing else. */
export interface AuthorityClient {
  /** Attests by token and, when the client has an identity, renews it. The chain is not yet judged: the caller does. */
  requestX509(call: X509Call): Promise<X509Answer>;
  /** Resolves with the stream once its `hello` arrived; `onMessage` gets every later message in order, until the stream's `ended` resolves. */
  openStream(onMessage: (message: StreamMessage) => void): Promise<AuthorityStream>;
  /** The three calls about a stream go to the replica that `hello` named: `address`. */
  acknowledge(address: string, acknowledgement: Acknowledgement): Promise<void>;
  subscribe(address: string, request: DirectoryRequest): Promise<void>;
  /** At most 64 events of the audit vocabulary. */
  sendEvents(address: string, events: readonly unknown[]): Promise<void>;
  /** Ends every connection, streams included. */
  close(): void;
}

/** A client for one set of TLS material. Connects at the first call, keeps connections alive between calls. */
export function createAuthorityClient(options: AuthorityClientOptions): AuthorityClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const callTimeoutMs = options.callTimeoutMs ?? 10_000;
  agent.createConnection = connectTo({ ...options, connectTimeoutMs: callTimeoutMs });
  const closing = new AbortController();
  const transport = { agent, clock: options.clock, callTimeoutMs, closing: closing.signal };
  const tell = async (address: string, path: string, body: unknown): Promise<void> => {
    await exchange(transport, { address, path, body });
  };
  return {
    async requestX509(call) {
      const body = { csr: Buffer.from(call.csr).toString('base64'), ttlSeconds: call.ttlSeconds };
      const answer = x509Answer.safeParse(
        await exchange(transport, { address: options.address, path: '/v1/svid/x509', body, token: call.token }),
      );
      if (!answer.success) {
        throw malformedAnswer('not an X.509 answer');
      }
      return answer.data;
    },
    openStream: (onMessage) =>
      openStream(transport, {
        address: options.address,
        silenceTimeoutMs: options.silenceTimeoutMs ?? 40_000,
        onMessage,
      }),
    acknowledge: (address, acknowledgement) => tell(address, '/v1/ack', acknowledgement),
    subscribe: (address, request) => tell(address, '/v1/directory', request),
    sendEvents: (address, events) => tell(address, '/v1/events', { events }),
    close() {
      closing.abort();
      agent.destroy();
    },
  };
}
