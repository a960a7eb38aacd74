import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { memorySegments } from '../audit/segments/memory-segments.ts';
import { systemClock } from '../runtime/clock.ts';
import { clusterApi } from '../runtime/cluster/kubernetes-client.ts';
import { createLogger } from '../runtime/logger.ts';
import { systemRandom } from '../runtime/random.ts';
import { authorityPodUid, obtainSvid, startTown, type Town, townClient } from '../test/builders/authority-town.ts';
import { createTestAuthority } from '../test/builders/test-authority.ts';
import { type Authority, createAuthority } from './authority.ts';
import type { StreamMessage } from './client/messages.ts';
import { readAuthoritySettings } from './settings.ts';

const lines: string[] = [];
let town: Town;
let authority: Authority;
let address: string;

beforeAll(async () => {
  town = await startTown();
  await town.addPod('web-1', { annotations: { 'sallyport.dev/inbound': '8443=http' } });
  const settings = readAuthoritySettings({
    SALLYPORT_TRUST_DOMAIN: 'prod.example',
    SALLYPORT_X509_TTL: '60s',
    SALLYPORT_ATTEST_SOURCE_ADDRESS: 'enforce',
    SALLYPORT_POD_NAME: 'sallyport-authority-1',
    SALLYPORT_POD_UID: authorityPodUid,
    SALLYPORT_LISTEN_ADDRESS: '127.0.0.1',
    SALLYPORT_PORT: '0',
    SALLYPORT_METRICS_PORT: '0',
    SALLYPORT_KUBERNETES_HOST: '127.0.0.1',
  });
  authority = createAuthority({
    settings,
    api: clusterApi(await town.authorityKubeConfig(), { timeoutMs: 5_000 }),
    segments: memorySegments(),
    writeLine: (line) => lines.push(line),
    version: '0.0.0',
    clock: systemClock,
    random: systemRandom,
    logger: createLogger({ program: 'authority', level: 'warn', write: (line) => process.stderr.write(line) }),
  });
  await authority.supervisor.start();
  address = `127.0.0.1:${authority.address().port}`;
});

afterAll(async () => {
  await authority.supervisor.stop();
  await town.stop();
});

const method = z.looseObject({ method: z.string() });
const record = z.looseObject({ event: z.string() });
const events = (name: string): z.infer<typeof record>[] =>
  lines.map((line) => record.parse(JSON.parse(line))).filter(({ event }) => event === name);

/** Messages of a stream, to be waited for by kind. */
function mailbox(): {
  readonly put: (message: StreamMessage) => void;
  next(type: StreamMessage['type']): Promise<StreamMessage>;
} {
  const held: StreamMessage[] = [];
  const waiting = new Set<() => void>();
  return {
    put(message) {
      held.push(message);
      waiting.forEach((wake) => wake());
    },
    async next(type) {
      for (;;) {
        const index = held.findIndex((message) => message.type === type);
        const [found] = index < 0 ? [] : held.splice(index, 1);
        if (found !== undefined) {
          return found;
        }
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
        });
      }
    },
  };
}

describe('the authority, end to end', () => {
  it('attests a pod by its token, issues, records, and renews over mTLS', async () => {
    const first = townClient(address, await town.caPem());
    const held = await obtainSvid(first, await town.podToken('web-1'), 30);
    expect(held.answer).toMatchObject({ spiffeId: 'spiffe://prod.example/ns/prod/sa/web', ttlSeconds: 30 });
    expect(events('identity.issued').at(-1)).toMatchObject({
      spiffeId: held.answer.spiffeId,
      entryId: held.answer.entryId,
    });

    const second = townClient(address, await town.caPem(), held.identity);
    const renewed = await obtainSvid(second, await town.podToken('web-1'));
    expect(renewed.answer.ttlSeconds).toBe(60);
    expect(events('identity.renewed')).toHaveLength(1);
    first.close();
    second.close();
  });

  it('refuses a token of another audience, with one word in answer and log', async () => {
    const client = townClient(address, await town.caPem());
    const refused = obtainSvid(client, await town.podToken('web-1', 'sallyport-authority.other.example'));
    await expect(refused).rejects.toMatchObject({
      code: 'refused',
      reason: 'token-rejected',
      status: 401,
      isFinal: true,
    });
    expect(events('identity.denied').at(-1)).toMatchObject({ reasonCode: 'token-rejected', outcome: 'refused' });
    client.close();
  });

  it('greets a stream with bundle and policy, pushes what changes, follows destinations and takes acknowledgements and events', async () => {
    const bare = townClient(address, await town.caPem());
    const held = await obtainSvid(bare, await town.podToken('web-1'));
    const client = townClient(address, await town.caPem(), held.identity);
    const mail = mailbox();
    const stream = await client.openStream(mail.put);
    expect(await mail.next('bundles')).toMatchObject({ sequence: held.answer.sequence });
    expect(await mail.next('policy')).toMatchObject({
      access: { mode: 'enforce', rules: [] },
      networkPolicySeen: true,
    });

    await town.cluster.apply(`
apiVersion: sallyport.dev/v1alpha1
kind: AccessPolicy
metadata: { name: web, namespace: prod }
spec: { pods: { app: web }, from: [{ ports: [http], peers: [{ namespace: prod }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: prod }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
`);
    expect(await mail.next('policy')).toMatchObject({
      access: {
        rules: [
          {
            policy: 'prod/web',
            ports: [8080],
            peers: [{ trustDomain: 'prod.example', path: ['ns', 'prod', 'sa', '*'] }],
          },
        ],
      },
    });
    await client.subscribe(stream.address, { stream: stream.stream, subscribe: ['web.prod.svc:80'], drop: [] });
    let destination = await mail.next('destination');
    while (destination.type === 'destination' && destination.destination.kind !== 'mesh') {
      destination = await mail.next('destination');
    }
    expect(destination).toMatchObject({
      destination: {
        kind: 'mesh',
        endpoints: [
          {
            address: '127.0.0.1',
            port: 8443,
            ids: ['spiffe://prod.example/ns/prod/sa/web'],
            ours: true,
            plaintext: false,
          },
        ],
      },
    });

    const clock = new Date().toISOString();
    await client.acknowledge(stream.address, {
      stream: stream.stream,
      sequence: held.answer.sequence,
      policyGeneration: 1,
      serial: '01',
      clock,
    });
    const unknown = client.acknowledge(stream.address, {
      stream: 'other',
      sequence: '1',
      policyGeneration: 1,
      serial: '01',
      clock,
    });
    await expect(unknown).rejects.toMatchObject({ reason: 'unknown-stream', status: 409 });

    const id = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    await client.sendEvents(stream.address, [
      {
        id,
        seenAt: clock,
        event: {
          event: 'access.denied',
          outcome: 'refused',
          reasonCode: 'access-denied',
          direction: 'inbound',
          port: 8080,
        },
      },
      {
        id,
        seenAt: clock,
        event: { event: 'bundle.changed', outcome: 'info', sequence: '9', added: [], removed: [], source: 'forged' },
      },
    ]);
    stream.close();
    expect(await stream.ended).toBe('closed');
    bare.close();
    client.close();
  }, 15_000);

  it('opens no stream to nobody, to a stranger’s certificate, or to a pod that is gone', async () => {
    const caPem = await town.caPem();
    const bare = townClient(address, caPem);
    await expect(bare.openStream(() => undefined)).rejects.toMatchObject({
      reason: 'client-certificate-missing',
      status: 401,
    });
    const { certPem, keyPem } = createTestAuthority({ trustDomain: 'prod.example' }).issue({ path: '/ns/prod/sa/web' });
    const stranger = townClient(address, caPem, { certPem, keyPem });
    await expect(stranger.openStream(() => undefined)).rejects.toMatchObject({
      reason: 'client-certificate-invalid',
      status: 401,
    });

    await town.addPod('web-9');
    const held = await obtainSvid(bare, await town.podToken('web-9'));
    const client = townClient(address, caPem, held.identity);
    const stream = await client.openStream(() => undefined);
    await town.cluster.admin.remove('/api/v1/namespaces/prod/pods/web-9', { gracePeriodSeconds: 0 });
    expect(await stream.ended).toBe('closed-by-authority');
    await expect(client.openStream(() => undefined)).rejects.toMatchObject({ reason: 'pod-unknown', status: 403 });
    [bare, stranger, client].forEach((one) => one.close());
  }, 15_000);

  it('counts what it did', async () => {
    const { host, port } = authority.metricsAddress();
    const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
    expect(text).toMatch(
      /sallyport_attestations_total\{method="token-review",outcome="refused",reason="token-rejected"\} 1/,
    );
    const issued = /sallyport_svids_issued_total\{kind="x509",renewal="false",outcome="granted"\} (\d+)/.exec(
      text,
    )?.[1];
    expect(Number(issued)).toBe(
      events('identity.issued').filter(({ attestation }) => method.parse(attestation).method !== 'self').length,
    );
    expect(text).toMatch(/sallyport_signing_keys\{kind="x509",state="current"\} 1/);
    for (const path of ['/ready', '/started', '/live']) {
      expect((await fetch(`http://${host}:${port}${path}`)).status).toBe(200);
    }
  });
});
