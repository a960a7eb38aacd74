import { X509Certificate } from 'node:crypto';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../runtime/random.ts';
import { createServingPair } from './certificate.ts';

const now = new Date('2027-03-01T12:00:00Z');
const dnsName = 'sallyport-webhook.sallyport-system.svc';
const make = (at = now) =>
  createServingPair({ dnsNames: [dnsName], replica: 'webhook-0', now: at, random: systemRandom });

describe('the serving pair', () => {
  it('is a CA and a leaf that it signed, valid for 24 h and renewed after 16', () => {
    const pair = make();
    const [ca, leaf] = [new X509Certificate(pair.caPem), new X509Certificate(pair.certificatePem)];
    expect(leaf.verify(ca.publicKey)).toBe(true);
    expect(leaf.checkIssued(ca)).toBe(true);
    expect(ca.ca).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(leaf.subjectAltName).toBe(`DNS:${dnsName}`);
    expect(new Date(leaf.validTo)).toEqual(new Date('2027-03-02T12:00:00Z'));
    expect(pair.renewAt).toEqual(new Date('2027-03-02T04:00:00Z'));
  });

  it('never repeats a serial or an issuer', () => {
    const [one, other] = [new X509Certificate(make().caPem), new X509Certificate(make().caPem)];
    expect(one.serialNumber).not.toBe(other.serialNumber);
    expect(one.subject).not.toBe(other.subject);
  });

  it('AR-07 serves TLS 1.3 to a client that trusts its CA and asks for the Service name, and to no other', async () => {
    const pair = make(new Date());
    const server = createServer(
      { cert: pair.certificatePem, key: pair.privateKeyPem, minVersion: 'TLSv1.3' },
      (socket) => socket.end('served'),
    );
    server.on('tlsClientError', () => undefined);
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve(portOf(server.address()))),
    );
    const ask = (ca: string, servername: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket: TLSSocket = connect({ host: '127.0.0.1', port, ca, servername }, () => undefined);
        socket.on('data', (bytes) => resolve(bytes.toString()));
        socket.on('error', reject);
      });
    await expect(ask(pair.caPem, dnsName)).resolves.toBe('served');
    await expect(ask(pair.caPem, 'sallyport-authority.sallyport-system.svc')).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    await expect(ask(make(new Date()).caPem, dnsName)).rejects.toMatchObject({
      code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    });
    server.close();
  });
});

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}
