import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { deadlineIn } from '../../runtime/deadline.ts';
import { createLogger } from '../../runtime/logger.ts';
import { systemRandom } from '../../runtime/random.ts';
import type { Service } from '../../runtime/service.ts';
import { type FakeCluster, startApiServer } from '../../test/fakes/api-server/api-server.ts';
import { isObject } from '../cluster/objects.ts';
import { listAt, textAt } from '../policy/json-access.ts';
import { ownLease } from './own-lease.ts';
import { registrar } from './registrar.ts';
import {
  configurationName,
  mutatingPath,
  type RegistrationSettings,
  registrations,
  validatingPath,
} from './registrations.ts';
import { servingCertificate } from './serving-certificate.ts';

const settings: RegistrationSettings = {
  systemNamespace: 'sallyport-system',
  service: 'sallyport-webhook',
  clusterPolicy: 'enforce',
  breakGlassGroups: [],
};
/** Twenty times as fast as the wall, so that a look every five seconds is four a second. */
const clock: Clock = {
  ...systemClock,
  after: (ms, callback, options) => systemClock.after(ms / 20, callback, options),
};
const logger = createLogger({ program: 'test', level: 'silent', write: () => undefined });

let cluster: FakeCluster;
let running: Service[] = [];
let drifts = 0;
const policies = new Map<string, boolean>();

beforeAll(async () => {
  cluster = await startApiServer({ controllers: false });
  await cluster.apply('apiVersion: v1\nkind: Namespace\nmetadata: { name: sallyport-system }\n');
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  await Promise.all(running.map((service) => service.stop(deadlineIn(systemClock, 2_000))));
  running = [];
  drifts = 0;
  for (const kind of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']) {
    await cluster.admin
      .remove(`${kind.startsWith('M') ? mutatingPath : validatingPath}/${configurationName}`)
      .catch(() => undefined);
    await cluster.apply(`apiVersion: admissionregistration.k8s.io/v1\nkind: ${kind}\nmetadata: { name: sallyport }\n`);
  }
});

/** Our webhooks as the API server holds them, by name. */
async function live(): Promise<ReadonlyMap<string, { readonly policy: string; readonly bundle: string }>> {
  const held = await Promise.all(
    [mutatingPath, validatingPath].map((path) => cluster.admin.get(`${path}/${configurationName}`)),
  );
  return new Map(
    held.flatMap((configuration) =>
      (isObject(configuration) ? listAt(configuration, 'webhooks') : []).map((webhook) => [
        textAt(webhook, 'name') ?? '',
        {
          policy: textAt(webhook, 'failurePolicy') ?? '',
          bundle: Buffer.from(textAt(webhook, 'clientConfig', 'caBundle') ?? '', 'base64').toString(),
        },
      ]),
    ),
  );
}

async function startReplica(
  podName: string,
  isLeader: boolean,
  change: Partial<RegistrationSettings> = {},
): Promise<string> {
  const certificate = servingCertificate({
    dnsNames: ['sallyport-webhook.sallyport-system.svc'],
    replica: podName,
    clock,
    random: systemRandom,
  });
  const services = [
    certificate,
    ownLease({
      api: cluster.admin,
      namespace: settings.systemNamespace,
      podName,
      podUid: podName,
      authorities: () => certificate.authorities(),
      onAuthorities: (listener) => certificate.onAuthorities(listener),
      clock,
      logger,
    }),
    registrar({
      api: cluster.admin,
      settings: { ...settings, ...change },
      isLeader: () => isLeader,
      ownAuthority: () => certificate.pair().caPem,
      observer: { drifted: () => (drifts += 1), failurePolicy: (name, isFail) => void policies.set(name, isFail) },
      clock,
      logger,
    }),
  ];
  running.push(...services);
  for (const service of services) {
    await service.start(new AbortController().signal);
  }
  return certificate.pair().caPem;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries += 1) {
    if (tries > 500) {
      throw new Error('did not come true in 10 s');
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the registrar', () => {
  it('fills empty configurations with every entry of the table, trusted first and failing closed after', async () => {
    const ca = await startReplica('webhook-0', true);
    expect([...(await live()).values()].every(({ bundle }) => bundle === ca)).toBe(true);
    await until(async () => (await live()).get('inject.sallyport.dev')?.policy === 'Fail');
    const held = await live();
    expect([...held.keys()].sort()).toEqual(
      registrations(settings)
        .map(({ name }) => `${name}.sallyport.dev`)
        .sort(),
    );
    for (const { name, onFailure } of registrations(settings)) {
      expect([name, held.get(`${name}.sallyport.dev`)?.policy]).toEqual([name, onFailure]);
    }
    expect(drifts).toBe(0);
  });

  it('fails nothing closed before somebody may break the glass', async () => {
    await startReplica('webhook-0', true, { breakGlassGroups: undefined });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect([...(await live()).values()].map(({ policy }) => policy)).not.toContain('Fail');
  });

  it('unites the CAs of all replicas, and a follower is ready once it is trusted', async () => {
    const first = await startReplica('webhook-0', true);
    const second = await startReplica('webhook-1', false);
    const bundle = (await live()).get('inject.sallyport.dev')?.bundle ?? '';
    expect(bundle).toContain(first);
    expect(bundle).toContain(second);
  });

  it('puts right within 10 s what somebody has changed, and counts it', async () => {
    await startReplica('webhook-0', true);
    await until(async () => (await live()).get('inject.sallyport.dev')?.policy === 'Fail');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await cluster.admin.patch(
      `${validatingPath}/${configurationName}`,
      { webhooks: [] },
      'application/merge-patch+json',
    );
    const startedMs = performance.now();
    await until(async () => (await live()).get('workloads.sallyport.dev')?.policy === 'Fail');
    expect(performance.now() - startedMs).toBeLessThan(10_000 / 20);
    expect(drifts).toBe(1);
  });

  it('says that nothing fails closed any more once a configuration is gone', async () => {
    await startReplica('webhook-0', true);
    await until(async () => (await live()).get('inject.sallyport.dev')?.policy === 'Fail');
    await until(() => Promise.resolve(policies.get('inject') === true));
    await cluster.admin.remove(`${validatingPath}/${configurationName}`);
    await until(() => Promise.resolve([...policies.values()].every((isFail) => !isFail)));
    expect(policies.size).toBe(registrations(settings).length);
  });
});
