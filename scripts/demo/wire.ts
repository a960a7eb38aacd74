/*
 * Strangers at a sidecar's door: what a caller without a fitting identity does, and what it sees of the other side.
 */
import { connect as netConnect } from 'node:net';
import { type SecureContextOptions, connect as tlsConnect } from 'node:tls';

/** The certificate a server showed. */
export interface Seen {
  readonly serial: string;
  readonly spiffeId: string;
}

export interface Visit {
  /** Bytes of an answer; a refused caller gets none. */
  readonly answered: number;
  readonly seen: Seen | undefined;
  readonly ended: string;
}

const patienceMs = 5_000;
const httpRequest = 'GET / HTTP/1.1\r\nhost: orders\r\nconnection: close\r\n\r\n';

/** Plain HTTP, as a program outside the mesh would try. */
export function visitInPlaintext(host: string, port: number): Promise<Visit> {
  return new Promise((resolve) => {
    let answered = 0;
    let ended = 'closed';
    const socket = netConnect({ host, port });
    socket.setTimeout(patienceMs, () => socket.destroy(new Error('no end within 5 s')));
    socket.on('connect', () => socket.write(httpRequest));
    socket.on('data', (chunk) => {
      answered += chunk.length;
    });
    socket.on('error', (error) => {
      ended = error.message;
    });
    socket.on('close', () => resolve({ answered, seen: undefined, ended }));
  });
}

/** TLS 1.3 with the given key and certificate, or with none. A TLS 1.3 client "succeeds" before the server has judged it: only a byte received counts. */
export function visitByTls(
  host: string,
  port: number,
  identity: Pick<SecureContextOptions, 'cert' | 'key'> = {},
): Promise<Visit> {
  return new Promise((resolve) => {
    let answered = 0;
    let ended = 'closed';
    let seen: Seen | undefined;
    const socket = tlsConnect({
      host,
      port,
      ...identity,
      minVersion: 'TLSv1.3',
      // The stranger believes anybody; it is the server's judgement that is on show.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ALPNProtocols: ['sallyport/1'],
    });
    socket.setTimeout(patienceMs, () => socket.destroy(new Error('no end within 5 s')));
    socket.on('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      const uri = certificate?.subjectAltName?.replace(/^URI:/, '');
      seen =
        certificate === undefined || uri === undefined
          ? undefined
          : { serial: certificate.serialNumber.toLowerCase(), spiffeId: uri };
      socket.write(httpRequest);
    });
    socket.on('data', (chunk) => {
      answered += chunk.length;
    });
    socket.on('error', (error) => {
      ended = error.message;
    });
    socket.on('close', () => resolve({ answered, seen, ended }));
  });
}
