import { X509Certificate } from 'node:crypto';
import { Agent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { deadlineIn } from '../../runtime/deadline.ts';
import { httpsService } from '../../runtime/https-server.ts';
import { systemRandom } from '../../runtime/random.ts';
import type { Service } from '../../runtime/service.ts';
import { manualClock } from '../../test/builders/manual-clock.ts';
import { servingCertificate } from './serving-certificate.ts';

const dnsName = 'sallyport-webhook.sallyport-system.svc';
const hour = 3_600_000;

let running: Service[] = [];
afterEach(async () => {
  await Promise.all(running.map((service) => service.stop(deadlineIn(systemClock, 1_000))));
  running = [];
});

async function serve() {
  // Begins so far back that both certificates hold for OpenSSL, which looks at the wall.
  const clock = manualClock(new Date(Date.now() - 17 * hour));
  const certificate = servingCertificate({ dnsNames: [dnsName], replica: 'webhook-0', clock, random: systemRandom });
  const server = httpsService({
    name: 'admission',
    host: '127.0.0.1',
    port: 0,
    handler: (_request, response) => response.end('served'),
    tls: certificate,
    drainMs: 100,
    clock: systemClock,
  });
  running = [certificate, server];
  for (const service of running) {
    await service.start(new AbortController().signal);
  }
  return { clock, certificate, port: server.address().port };
}

function ask(port: number, agent: Agent): Promise<{ readonly text: string; readonly socket: Socket }> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest({ host: '127.0.0.1', port, agent }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve({ text, socket: response.socket }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** The serial of the certificate that a new connection is shown; \`ca\` must have signed it. */
function serialShown(port: number, ca: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca: [...ca], servername: dnsName }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('the serving certificate', () => {
  it('AR-07 publishes the next CA after two thirds, serves by it 60 s later, and keeps both published', async () => {
    const { clock, certificate, port } = await serve();
    const told: number[] = [];
    certificate.onAuthorities(() => told.push(certificate.authorities().length));
    const [first = ''] = certificate.authorities();
    const before = await serialShown(port, [first]);

    await clock.advance(16 * hour - 1);
    expect(certificate.authorities()).toEqual([first]);
    await clock.advance(1);
    const both = certificate.authorities();
    expect(told).toEqual([2]);
    expect(both).toContain(first);
    expect(await serialShown(port, [first])).toBe(before);

    await clock.advance(60_000);
    expect(certificate.authorities()).toEqual(both);
    const after = await serialShown(port, both);
    expect(after).not.toBe(before);
    expect(after).toBe(new X509Certificate(certificate.pair().certificatePem).serialNumber);
    await expect(serialShown(port, [first])).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });

  it('AR-07 drops no socket when it changes', async () => {
    const { clock, certificate, port } = await serve();
    const agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      ca: [...certificate.authorities()],
      servername: dnsName,
    });
    const before = await ask(port, agent);
    await clock.advance(16 * hour + 60_000);
    const after = await ask(port, agent);
    expect(after.text).toBe('served');
    expect(after.socket).toBe(before.socket);
    agent.destroy();
  });
});
