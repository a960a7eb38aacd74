import { createServer, connect as dialTcp, type Server, type Socket } from 'node:net';
import { connect, createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { Ended, Service } from '../../runtime/service.ts';
import { SidecarFailure } from '../failures.ts';
import { type TlsGeneration, tlsMaterial } from './contexts.ts';
import { type OpensslVerdict, readOpensslVerdict } from './openssl-verdict.ts';

/**
 * Proves at start that this Node still tells us what OpenSSL thinks of a peer, by two handshakes over `host` (a loopback address): a chain to a known anchor
 * must be trusted at both ends, the same chain before an empty trust store must not. Rejects with `SidecarFailure` (`tls-self-test`): without it every peer
 * would be judged by half.
 */
export async function proveOpensslVerdict({ snapshot, inbound, outbound }: TlsGeneration, host: string): Promise<void> {
  const { certPem, keyPem } = tlsMaterial(snapshot.svid);
  const trustsNobody = createSecureContext({ cert: certPem, key: keyPem, ca: [], minVersion: 'TLSv1.3' });
  expect(await handshake(host, inbound, outbound), ['trusted', 'trusted']);
  expect(await handshake(host, trustsNobody, trustsNobody), ['untrusted', 'untrusted']);
}

function expect(verdicts: readonly OpensslVerdict[], kinds: readonly OpensslVerdict['kind'][]): void {
  const found = verdicts.map(({ kind }) => kind);
  if (found.join() !== kinds.join()) {
    const message = `OpenSSL's verdict reads ${found.join(', ')} where it must be ${kinds.join(', ')}`;
    throw new SidecarFailure('tls-self-test', message);
  }
}

/** Both ends' verdicts, the server's first. */
async function handshake(
  host: string,
  inbound: SecureContext,
  outbound: SecureContext,
): Promise<readonly OpensslVerdict[]> {
  const server = createServer({ pauseOnConnect: true });
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const port = await listening(server, host);
  const raw = dialTcp({ host, port });
  try {
    const client = connect({
      socket: raw,
      secureContext: outbound,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    const peer = new TLSSocket(await accepted, {
      isServer: true,
      secureContext: inbound,
      requestCert: true,
      rejectUnauthorized: true,
    });
    await Promise.all([once(peer, 'secure'), once(client, 'secureConnect')]);
    const verdicts = [readOpensslVerdict(peer), readOpensslVerdict(client)];
    peer.destroy();
    client.destroy();
    return verdicts;
  } finally {
    raw.destroy();
    server.close();
  }
}

function listening(server: Server, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: 0 }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

function once(socket: TLSSocket, event: 'secure' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('error', (cause) =>
      reject(new SidecarFailure('tls-self-test', 'the handshake with ourselves failed', { cause })),
    );
    socket.once(event, () => resolve());
  });
}

/** The self-test as a step of the start: nothing listens before it has passed. */
export function selfTestService(tls: () => TlsGeneration | undefined, host: string): Service {
  const ended = Promise.withResolvers<Ended>();
  return {
    name: 'tls-self-test',
    ended: ended.promise,
    async start() {
      const generation = tls();
      if (generation === undefined) {
        throw new SidecarFailure('tls-self-test', 'there is no identity to test with');
      }
      await proveOpensslVerdict(generation, host);
    },
    stop() {
      ended.resolve({ by: 'stop' });
      return Promise.resolve();
    },
  };
}
