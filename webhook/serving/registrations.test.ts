import { describe, expect, it } from 'vitest';
import { isJsonObject, listAt, memberAt, textAt } from '../policy/json-access.ts';
import { podKinds } from '../policy/pod-template.ts';
import { configurations, type RegistrationSettings, registrations } from './registrations.ts';

const settings: RegistrationSettings = {
  systemNamespace: 'sallyport-system',
  service: 'sallyport-webhook',
  clusterPolicy: 'enforce',
  breakGlassGroups: ["o'brien"],
};
const notOurOwn = { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['sallyport-system'] };
const webhooks = (change: Partial<RegistrationSettings> = {}, isTrusted = true) =>
  configurations({ ...settings, ...change }, { caBundle: 'PEM', isTrusted }).flatMap((configuration) =>
    listAt(configuration, 'webhooks').filter(isJsonObject),
  );
const named = (name: string, change: Partial<RegistrationSettings> = {}, isTrusted = true) =>
  webhooks(change, isTrusted).find((webhook) => webhook['name'] === `${name}.sallyport.dev`) ?? {};
const conditions = (name: string): ReadonlyMap<string, string> =>
  new Map(
    listAt(named(name), 'matchConditions').map((condition) => [
      textAt(condition, 'name') ?? '',
      textAt(condition, 'expression') ?? '',
    ]),
  );

describe('the registrations', () => {
  it('are two configurations of one name, mutating first, each entry v1, Equivalent, through our Service', () => {
    expect(
      configurations(settings, { caBundle: 'PEM', isTrusted: true }).map(({ kind, metadata }) => [
        kind,
        memberAt(metadata, 'name'),
      ]),
    ).toEqual([
      ['MutatingWebhookConfiguration', 'sallyport'],
      ['ValidatingWebhookConfiguration', 'sallyport'],
    ]);
    for (const webhook of webhooks()) {
      expect(webhook).toMatchObject({
        admissionReviewVersions: ['v1'],
        matchPolicy: 'Equivalent',
        clientConfig: {
          caBundle: Buffer.from('PEM').toString('base64'),
          service: { namespace: 'sallyport-system', name: 'sallyport-webhook', port: 443 },
        },
      });
    }
  });

  it('ask every kind that holds a pod, where opted in to fail closed and elsewhere not', () => {
    const resources = registrations(settings)
      .filter(({ name }) => name === 'workloads')
      .flatMap(({ rules }) => rules.flatMap((rule) => rule.resources));
    const plurals = podKinds.map((kind) => `${(kind.split('.')[0] ?? '').toLowerCase()}s`);
    expect(resources).toEqual(expect.arrayContaining(plurals));
    expect(named('workloads')).toMatchObject({
      failurePolicy: 'Fail',
      timeoutSeconds: 5,
      namespaceSelector: {
        matchExpressions: [{ key: 'sallyport.dev/identity', operator: 'In', values: ['enabled'] }, notOurOwn],
      },
    });
    expect(named('workloads-elsewhere')).toMatchObject({
      failurePolicy: 'Ignore',
      timeoutSeconds: 1,
      namespaceSelector: { matchExpressions: [{ operator: 'NotIn' }] },
    });
    expect(named('workloads')['rules']).toEqual(named('workloads-elsewhere')['rules']);
  });

  it('mutate without side effects and again when needed, and only where opted in or for exemptions', () => {
    expect(named('inject')).toMatchObject({
      sideEffects: 'None',
      reinvocationPolicy: 'IfNeeded',
      namespaceSelector: { matchExpressions: [{ operator: 'In' }, notOurOwn] },
    });
    expect(named('workloads')).toMatchObject({ sideEffects: 'NoneOnDryRun' });
    expect(named('workloads')).not.toHaveProperty('reinvocationPolicy');
  });

  it('never wait for us where our own pods start, however that namespace is labelled', () => {
    const closed = webhooks().filter((webhook) => webhook['failurePolicy'] === 'Fail');
    const namespaced = closed.filter((webhook) => textAt(webhook, 'rules', 0, 'scope') === 'Namespaced');
    expect(namespaced.map(({ name }) => name)).toEqual([
      'inject.sallyport.dev',
      'workloads.sallyport.dev',
      'credentials.sallyport.dev',
    ]);
    for (const webhook of namespaced) {
      expect(listAt(webhook, 'namespaceSelector', 'matchExpressions')).toContainEqual(notOurOwn);
    }
  });

  it('fail closed for the cluster only if its policy enforces', () => {
    expect(named('cluster')).toMatchObject({ failurePolicy: 'Fail' });
    expect(named('cluster', { clusterPolicy: 'warn' })).toMatchObject({ failurePolicy: 'Ignore', timeoutSeconds: 1 });
  });

  it('fail open while nobody trusts us, or nobody may break the glass', () => {
    const policies = (change: Partial<RegistrationSettings>, isTrusted: boolean) =>
      new Set(webhooks(change, isTrusted).map(({ failurePolicy }) => failurePolicy));
    expect(policies({}, false)).toEqual(new Set(['Ignore']));
    expect(policies({ breakGlassGroups: undefined }, true)).toEqual(new Set(['Ignore']));
    expect(policies({ breakGlassGroups: [] }, true)).toEqual(new Set(['Fail', 'Ignore']));
  });

  it('never call us for the API server itself, and keep each kind’s own writers apart', () => {
    for (const { name } of registrations(settings)) {
      expect([...conditions(name).values()]).toContain("request.userInfo.username != 'system:apiserver'");
    }
    expect([...conditions('inject').keys()]).toContain('sallyport.dev/not-a-node');
    expect([...conditions('workloads').keys()]).toEqual([
      'sallyport.dev/not-the-api-server',
      'sallyport.dev/not-a-node',
      'sallyport.dev/spec-changed',
    ]);
    expect([...conditions('credentials').keys()]).toContain('sallyport.dev/content-changed');
    expect(conditions('resources').get('sallyport.dev/not-ourselves')).toContain(
      'system:serviceaccount:sallyport-system:sallyport-webhook',
    );
    expect(conditions('cluster').get('sallyport.dev/not-break-glass')).toContain("'system:masters', 'o\\'brien'");
  });
});
