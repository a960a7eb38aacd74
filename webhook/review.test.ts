import { describe, expect, it } from 'vitest';
import {
  account,
  alice,
  bob,
  creates,
  everyKindOf,
  minimalClusterRoleBinding,
  minimalContainer,
  minimalExemption,
  minimalPod,
  minimalSecret,
  now,
  tweaked,
  updates,
} from '../test/builders/judgement.ts';
import { factsOf, patchIn, payments, settings, verifiedReview } from '../test/builders/verified-review.ts';
import type { AdmissionRequest, JsonObject } from './admission/request.ts';
import { isJsonObject, listAt, memberAt, textAt } from './policy/json-access.ts';
import { review } from './review.ts';
import { registrations } from './serving/registrations.ts';

const withEnv = (env: JsonObject): JsonObject =>
  tweaked(minimalPod, { spec: { containers: [{ ...minimalContainer, env: [env] }] } });
const password: JsonObject = { name: 'DB_PASSWORD', value: 'correct-horse-9' };
const leaky = withEnv(password);
const rulesIn = ({ findings }: { readonly findings: readonly { readonly rule: string }[] }): readonly string[] =>
  findings.map(({ rule }) => rule);
const injectedBy = async (pod: JsonObject, rest: Partial<AdmissionRequest> = {}) =>
  (await verifiedReview(creates(pod, rest), 'mutate')).object ?? {};
const sidecarOf = (pod: JsonObject | null) =>
  listAt(pod ?? undefined, 'spec', 'initContainers').find(
    (container) => textAt(container, 'name') === 'sallyport-sidecar',
  );

describe('the mutating half', () => {
  it('AR-10 answers neither patch nor patchType when nothing changes', async () => {
    const elsewhere = tweaked(payments, { metadata: { labels: { 'sallyport.dev/identity': 'disabled' } } });
    const { response, injection } = await verifiedReview(creates(minimalPod), 'mutate', [elsewhere]);
    expect(response).toMatchObject({ allowed: true });
    expect('patch' in response || 'patchType' in response).toBe(false);
    expect(injection).toMatchObject({ kind: 'skipped', reason: 'not-opted-in' });
  });

  it('AR-12 sends the difference from the object as received, which gives the intended one', async () => {
    const unknown = { ...minimalPod, futureField: { kept: [1, 2, { deep: null }] } };
    const reviewed = await verifiedReview(creates(unknown), 'mutate');
    expect(patchIn(reviewed).every(({ path }) => !path.startsWith('/futureField'))).toBe(true);
    expect(reviewed.object?.['futureField']).toEqual(unknown.futureField);
    expect(sidecarOf(reviewed.object)).toBeDefined();
  });

  it('AR-13 keys with slashes, tildes, no characters and other scripts come through a patch', async () => {
    const annotations = { 'a/b~c': '1', '~1': '2', '': '3', 'ключ/ö': '4', '~0/~1': '5' };
    const reviewed = await verifiedReview(creates(tweaked(minimalPod, { metadata: { annotations } })), 'mutate');
    expect(memberAt(reviewed.object ?? undefined, 'metadata', 'annotations')).toMatchObject(annotations);
    expect(patchIn(reviewed).some(({ path }) => path === '/metadata/annotations/sallyport.dev~1injection')).toBe(true);
  });

  it.each([
    ['absent', undefined],
    ['null', null],
    ['empty', {}],
  ])('AR-14 takes parents that are %s', async (_, empty) => {
    const list = empty === undefined || empty === null ? empty : [];
    const pod = tweaked(minimalPod, {
      metadata: { annotations: empty, labels: empty },
      spec: { initContainers: list, volumes: list },
    });
    const reviewed = await verifiedReview(creates(pod), 'mutate');
    expect(sidecarOf(reviewed.object)).toBeDefined();
    expect(patchIn(reviewed).map(({ op }) => op)).not.toContain('test');
  });

  it('AR-17 says what it did as a function of the object alone, and never names the call', async () => {
    const [first, second] = await Promise.all(
      ['u-1', 'u-2'].map((uid) => verifiedReview(creates(minimalPod, { uid }), 'mutate')),
    );
    expect(first?.response.auditAnnotations).toEqual({ decision: 'injected' });
    expect(second?.response.auditAnnotations).toEqual(first?.response.auditAnnotations);
  });

  it('AR-22 injects a pod that has neither uid nor name yet, in the namespace of the request', async () => {
    const nameless = tweaked(minimalPod, { metadata: { name: undefined, namespace: undefined, generateName: 'web-' } });
    const reviewed = await verifiedReview(creates(nameless, { name: '', namespace: 'payments' }), 'both');
    expect(reviewed.response.allowed).toBe(true);
    expect(sidecarOf(reviewed.object)).toBeDefined();
  });

  it('AR-25 changes no pod on UPDATE', async () => {
    const { response } = await verifiedReview(
      updates(minimalPod, tweaked(minimalPod, { metadata: { labels: { a: 'b' } } })),
      'mutate',
    );
    expect(response).toEqual({ uid: response.uid, allowed: true });
  });

  it('AR-11 answers no patch to DELETE or CONNECT', async () => {
    for (const operation of ['DELETE', 'CONNECT'] as const) {
      const object = operation === 'DELETE' ? null : minimalPod;
      const reviewed = await verifiedReview(
        creates(minimalPod, { operation, object, oldObject: minimalPod }),
        'mutate',
      );
      expect(reviewed.response).toEqual({ uid: reviewed.response.uid, allowed: true });
    }
  });

  it('AR-26 leaves the record of a static pod alone, if the node itself writes it', async () => {
    const mirror = tweaked(minimalPod, {
      metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } },
      spec: { nodeName: 'node-1' },
    });
    const node = {
      username: 'system:node:node-1',
      uid: '',
      groups: ['system:nodes', 'system:authenticated'],
      extra: {},
    };
    expect((await verifiedReview(creates(mirror, { requester: node }), 'both')).response).toMatchObject({
      allowed: true,
    });
    expect((await verifiedReview(creates(mirror, { requester: node }), 'mutate')).injection).toMatchObject({
      reason: 'mirror',
    });
    const leakyMirror = tweaked(mirror, { spec: { containers: [{ ...minimalContainer, env: [password] }] } });
    expect((await verifiedReview(creates(leakyMirror, { requester: node }), 'validate')).response.allowed).toBe(true);
    expect(
      (await verifiedReview(creates(leakyMirror, { requester: { ...node, username: 'system:node:node-2' } }), 'both'))
        .response.allowed,
    ).toBe(false);
    expect(sidecarOf(await injectedBy(mirror))).toBeDefined();
  });

  it('AR-33 answers its own result with no patch, and repairs what another mutator made of it', async () => {
    const once = await injectedBy(minimalPod);
    const again = await verifiedReview(creates(once), 'mutate');
    expect(again.injection.kind).toBe('unchanged');
    expect('patch' in again.response).toBe(false);
    const tampered = tweaked(once, {
      spec: {
        initContainers: listAt(once, 'spec', 'initContainers').map((container) => ({
          ...(isJsonObject(container) ? container : {}),
          args: ['--trust-everybody'],
        })),
      },
    });
    expect((await verifiedReview(creates(tampered), 'mutate')).object).toEqual(once);
    const denied = await verifiedReview(creates(tampered), 'validate');
    expect(rulesIn(denied)).toContain('sidecar-required');
  });

  it('denies a pod on the host’s network, which no sidecar can stand before', async () => {
    const onHost = tweaked(minimalPod, { spec: { hostNetwork: true } });
    const denied = await verifiedReview(creates(onHost), 'both');
    expect(denied.injection).toMatchObject({ kind: 'skipped', reason: 'host-network' });
    expect([denied.response.allowed, rulesIn(denied)]).toEqual([false, ['sidecar-required']]);
  });

  it('writes who asks for an exemption and who approves, whatever the client says', async () => {
    const forged = tweaked(minimalExemption, {
      spec: { requestedBy: { username: 'somebody-else', uid: '' } },
      status: { approval: { decision: 'approved', by: 'bob' } },
    });
    const asked = await verifiedReview(creates(forged, { requester: alice }), 'mutate');
    expect(asked.object).toMatchObject({ spec: { requestedBy: { username: 'alice' } } });
    expect(asked.object).not.toHaveProperty('status');
    const stored = tweaked(minimalExemption, {});
    const decided = tweaked(stored, { status: { approval: { decision: 'approved', generation: 1, by: 'alice' } } });
    const approved = await verifiedReview(
      updates(stored, decided, { requester: bob, subResource: 'status' }),
      'mutate',
    );
    expect(memberAt(approved.object ?? undefined, 'status', 'approval')).toMatchObject({
      by: 'bob',
      at: '2027-01-01T12:00:00Z',
    });
  });
});

describe('the validating half', () => {
  it('AR-11 never carries a patch', async () => {
    for (const pod of [minimalPod, leaky, await injectedBy(minimalPod)]) {
      const { response } = await verifiedReview(creates(pod), 'validate');
      expect('patch' in response).toBe(false);
    }
  });

  it('AR-17 names the decision, its id and each rule that found something, under bare keys', async () => {
    const { response } = await verifiedReview(creates(leaky), 'both');
    expect(response.auditAnnotations).toEqual({
      decision: 'denied',
      'decision-id': '0123456789',
      'policy-revision': settings.revision,
      'credential-in-env': 'enforce',
    });
  });

  it('AR-18 denies with the rule, the field and what to do, and with nothing of the value', async () => {
    const { response, object } = await verifiedReview(creates(leaky), 'both');
    expect(response).toMatchObject({ allowed: false, status: { code: 403, reason: 'Forbidden' } });
    expect(response.status?.details.causes).toMatchObject([
      { reason: 'credential-in-env', field: '/spec/containers/0/env/0/value' },
    ]);
    expect(response.status?.message).toContain('Decision 0123-4567-89');
    expect(JSON.stringify(response)).not.toContain('correct-horse');
    expect(object).toBeNull();
  });

  it('AR-19 judges a dry run like any other', async () => {
    const [real, dry] = await Promise.all(
      [false, true].map((dryRun) => verifiedReview(creates(leaky, { dryRun }), 'both')),
    );
    expect(dry?.response).toEqual(real?.response);
  });

  it('AR-21 lets a DELETE pass and stores nothing of it', async () => {
    const reviewed = await verifiedReview(
      creates(leaky, { operation: 'DELETE', object: null, oldObject: leaky }),
      'both',
    );
    expect(reviewed.response.allowed).toBe(true);
    expect(reviewed.object).toBeNull();
  });

  it('AR-21 takes CONNECT with its options for what it is', async () => {
    const options: JsonObject = { apiVersion: 'v1', kind: 'PodExecOptions', container: 'web', command: ['sh'] };
    const request = creates(options, { operation: 'CONNECT', subResource: 'exec', namespace: 'payments', name: 'web' });
    expect(await verifiedReview(request, 'both')).toMatchObject({ response: { allowed: true }, object: null });
  });

  it('AR-22 names a new object by the beginning of its name', async () => {
    const nameless = tweaked(leaky, { metadata: { name: undefined, generateName: 'web-' } });
    const { response } = await verifiedReview(creates(nameless, { name: '' }), 'both');
    expect(response.status?.message).toContain('Pod payments/web-*');
  });

  it('AR-23 judges by kind, whatever version was asked for', async () => {
    const requestKind = { group: 'extensions', version: 'v1beta1', kind: 'Deployment' };
    const [, , , { object: deployment } = { object: leaky }] = everyKindOf(leaky);
    const { response } = await verifiedReview(creates(deployment, { requestKind }), 'both');
    expect(response.allowed).toBe(false);
  });

  it('AR-23 has one version of every resource registered, and the API server convert the others to it', () => {
    const rows = registrations({
      systemNamespace: 'sallyport-system',
      service: 's',
      clusterPolicy: 'enforce',
      breakGlassGroups: [],
    }).flatMap(({ rules }) => rules);
    const versions = new Map<string, Set<string>>();
    for (const { group, version, resources } of rows) {
      expect(version).toMatch(/^v[0-9]+((alpha|beta)[0-9]+)?$/);
      for (const resource of resources) {
        const known = versions.get(`${group}/${resource}`) ?? new Set();
        versions.set(`${group}/${resource}`, known.add(version));
      }
    }
    expect([...versions.values()].every(({ size }) => size === 1)).toBe(true);
  });

  it.each(['ephemeralcontainers', 'resize'])('AR-24 judges pods/%s by the whole pod', async (subResource) => {
    const before = await injectedBy(minimalPod);
    const after = tweaked(before, {
      spec: { ephemeralContainers: [{ name: 'debug', image: 'busybox', env: [password] }] },
    });
    const { response, findings } = await verifiedReview(updates(before, after, { subResource }), 'validate');
    expect(response.allowed).toBe(false);
    expect(findings).toMatchObject([{ rule: 'credential-in-env', path: '/spec/ephemeralContainers/0/env/0/value' }]);
  });

  it('AR-24 leaves other subresources of a pod alone', async () => {
    const { response } = await verifiedReview(updates(minimalPod, leaky, { subResource: 'status' }), 'validate');
    expect(response.allowed).toBe(true);
  });

  it('AR-25 lets an un-injected pod of old be updated', async () => {
    const { response } = await verifiedReview(
      updates(minimalPod, tweaked(minimalPod, { metadata: { labels: { a: 'b' } } })),
      'validate',
    );
    expect(response.allowed).toBe(true);
  });

  it('AR-29 takes an account for what its name says only if the name has four valid parts', async () => {
    const graph = rbacFor(['payments', 'powerful']);
    const powerful = tweaked(minimalPod, { spec: { serviceAccountName: 'powerful' } });
    for (const username of [
      'system:serviceaccount:payments',
      'system:serviceaccount:payments:powerful:x',
      'system:serviceaccount::powerful',
      'powerful',
    ]) {
      const requester = { username, uid: '', groups: ['system:authenticated'], extra: {} };
      expect(rulesIn(await verifiedReview(creates(powerful, { requester }), 'both', graph))).toContain(
        'workload-ceiling',
      );
    }
    const itself = await verifiedReview(
      creates(powerful, { requester: account('payments', 'powerful') }),
      'both',
      graph,
    );
    expect(rulesIn(itself)).not.toContain('workload-ceiling');
  });

  it('AR-29 reads a requester without groups', async () => {
    const requester = { username: 'alice', uid: '', groups: [], extra: {} };
    expect((await verifiedReview(creates(leaky, { requester }), 'both')).response.allowed).toBe(false);
  });

  it.each([
    ['serviceAccountName', { serviceAccountName: 'powerful' }],
    ['the deprecated serviceAccount', { serviceAccountName: undefined, serviceAccount: 'powerful' }],
  ])('AR-32 finds the account of a template by %s', async (_, spec) => {
    const [, , , { object: deployment } = { object: minimalPod }] = everyKindOf(tweaked(minimalPod, { spec }));
    expect(rulesIn(await verifiedReview(creates(deployment), 'both', rbacFor(['payments', 'powerful'])))).toEqual([
      'workload-ceiling',
    ]);
  });

  it('AR-32 takes no account for `default`', async () => {
    const [, , , { object: deployment } = { object: minimalPod }] = everyKindOf(
      tweaked(minimalPod, { spec: { serviceAccountName: undefined } }),
    );
    expect(rulesIn(await verifiedReview(creates(deployment), 'both', rbacFor(['payments', 'default'])))).toEqual([
      'workload-ceiling',
    ]);
  });

  it('AR-27 believes an owner reference only of the controller that writes it, for an owner that lives with that uid', async () => {
    const owner: JsonObject = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'web-1', namespace: 'payments', uid: 'uid-1' },
    };
    const reference = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'uid-1', controller: true };
    const owned = (change: JsonObject): JsonObject =>
      tweaked(minimalPod, {
        metadata: { ownerReferences: [{ ...reference, ...change }] },
        spec: { serviceAccountName: 'powerful' },
      });
    const graph = [...rbacFor(['payments', 'powerful']), owner];
    const controller = account('kube-system', 'replicaset-controller');
    const judged = async (pod: JsonObject, requester: AdmissionRequest['requester']) =>
      rulesIn(await verifiedReview(creates(pod, { requester }), 'both', graph)).includes('workload-ceiling');
    expect(await judged(owned({}), controller)).toBe(false);
    expect(await judged(owned({}), alice)).toBe(true);
    expect(await judged(owned({ uid: 'uid-2' }), controller)).toBe(true);
    expect(await judged(owned({ name: 'web-9' }), controller)).toBe(true);
    expect(await judged(owned({ controller: false }), controller)).toBe(true);
    expect(await judged(owned({}), account('kube-system', 'job-controller'))).toBe(true);
    expect(await judged(owned({}), account('payments', 'replicaset-controller'))).toBe(true);
  });

  it.each([
    ['data that is no base64', { data: { password: '%%%' }, stringData: undefined }],
    ['data that is no text', { data: { username: Buffer.from([0xff, 0xfe, 0x00]).toString('base64') } }],
    ['members of the wrong type', { data: { username: 7 }, stringData: [], type: {} }],
  ])('AR-34 judges a Secret with %s without a failure', async (_, change) => {
    const reviewed = await verifiedReview(creates(tweaked(minimalSecret, change)), 'both');
    expect(typeof reviewed.response.allowed).toBe('boolean');
  });

  it('AR-34 lets stringData speak over data, as it will be stored', async () => {
    const safe = tweaked(minimalSecret, {
      data: { password: Buffer.from('correct-horse-9').toString('base64') },
      stringData: { password: '' },
    });
    const unsafe = tweaked(minimalSecret, { data: { password: '' }, stringData: { password: 'correct-horse-9' } });
    expect(rulesIn(await verifiedReview(creates(safe), 'both'))).toEqual([]);
    expect(rulesIn(await verifiedReview(creates(unsafe), 'both'))).toEqual(['static-credential-secret']);
  });

  it('AR-36 takes an empty value, a reference and every source of variables for what they are', async () => {
    expect(rulesIn(await verifiedReview(creates(withEnv({ name: 'DB_PASSWORD', value: '' })), 'both'))).toEqual([]);
    const reference = { name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } };
    expect(rulesIn(await verifiedReview(creates(withEnv(reference)), 'both'))).toEqual([]);
  });

  it.each([
    [
      'a variable',
      {
        containers: [
          { ...minimalContainer, env: [{ name: 'T', valueFrom: { secretKeyRef: { name: 'legacy', key: 'token' } } }] },
        ],
      },
    ],
    ['all variables', { containers: [{ ...minimalContainer, envFrom: [{ secretRef: { name: 'legacy' } }] }] }],
    [
      'an init container',
      { initContainers: [{ name: 'init', image: 'i', envFrom: [{ secretRef: { name: 'legacy' } }] }] },
    ],
    ['a volume', { volumes: [{ name: 'v', secret: { secretName: 'legacy' } }] }],
    ['a projected volume', { volumes: [{ name: 'v', projected: { sources: [{ secret: { name: 'legacy' } }] } }] }],
    ['a CSI volume', { volumes: [{ name: 'v', csi: { driver: 'd', nodePublishSecretRef: { name: 'legacy' } } }] }],
  ])('AR-36 finds a legacy token taken through %s', async (_, spec) => {
    const legacy: JsonObject = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'legacy', namespace: 'payments' },
      type: 'kubernetes.io/service-account-token',
    };
    expect(rulesIn(await verifiedReview(creates(tweaked(minimalPod, { spec })), 'both', [payments, legacy]))).toEqual([
      'legacy-token-mount',
    ]);
  });
});

describe('modes and exemptions', () => {
  const mode = (policy: string): JsonObject =>
    tweaked(payments, { metadata: { labels: { 'sallyport.dev/policy': policy } } });

  it('warn allows with a warning, audit allows with a record, enforce denies without warnings', async () => {
    const warned = await verifiedReview(creates(leaky), 'both', [mode('warn')]);
    expect(warned.response.warnings).toEqual([
      '[credential-in-env] container "web", env DB_PASSWORD: a literal password',
    ]);
    const audited = await verifiedReview(creates(leaky), 'both', [mode('audit')]);
    expect(audited.response).toMatchObject({ allowed: true, auditAnnotations: { 'credential-in-env': 'audit' } });
    expect(audited.response.warnings).toBeUndefined();
    expect((await verifiedReview(creates(leaky), 'both')).response.warnings).toBeUndefined();
  });

  it('an exemption that is valid now lifts the finding with a warning; a minute after its end it does not', async () => {
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'auditors' }];
    const binding = tweaked(minimalClusterRoleBinding, { subjects });
    const approved = tweaked(minimalExemption, {
      status: { approval: { decision: 'approved', by: 'bob', byUid: '', at: '2027-01-01T11:00:00Z', generation: 1 } },
    });
    const lifted = await verifiedReview(creates(binding), 'both', [approved]);
    expect(lifted.response).toMatchObject({
      allowed: true,
      auditAnnotations: { exemption: 'auditors-view', 'cluster-role-binding-justification': 'exempt' },
    });
    expect(lifted.response.warnings).toEqual([
      '[cluster-role-binding-justification] allowed by exemption "auditors-view" until 2027-01-15T12:00:00Z',
    ]);
    expect(lifted.lifted.map(({ exemption }) => exemption.metadata.name)).toEqual(['auditors-view']);
    const facts = await factsOf(creates(binding), [approved]);
    const later = review(
      creates(binding),
      { ...facts, now: new Date('2027-01-15T12:01:00Z') },
      { half: 'both', settings, decisionId: '0123456789' },
    );
    expect(later.response.allowed).toBe(false);
  });

  it('a pod exempt from the sidecar is not injected, and each use is told', async () => {
    const exemption = tweaked(minimalExemption, {
      metadata: { name: 'no-sidecar' },
      spec: { rules: ['sidecar-required'], scope: [{ apiGroup: '', kind: 'Pod', namespace: 'payments', name: 'web' }] },
      status: { approval: { decision: 'approved', by: 'bob', byUid: '', at: '2027-01-01T11:00:00Z', generation: 1 } },
    });
    const reviewed = await verifiedReview(creates(minimalPod), 'both', [payments, exemption]);
    expect(sidecarOf(reviewed.object)).toBeUndefined();
    expect(reviewed.injection).toMatchObject({ kind: 'skipped', reason: 'exempt' });
    expect(reviewed.response).toMatchObject({ allowed: true, auditAnnotations: { exemption: 'no-sidecar' } });
    expect(reviewed.response.warnings?.[0]).toContain('exemption "no-sidecar"');
  });

  it('a rule that cannot be asked where it would enforce is undecided, never content', async () => {
    const request = creates(minimalPod);
    const facts = { ...(await factsOf(request)), rbac: undefined };
    const { undecided } = review(request, facts, { half: 'validate', settings, decisionId: '0123456789' });
    expect(undecided).toEqual([{ rule: 'workload-ceiling', reason: 'rbac-unknown', mode: 'enforce' }]);
  });

  it('a namespace nobody knows is held to be opted in, with a warning', async () => {
    const reviewed = await verifiedReview(creates(minimalPod), 'both', []);
    expect(sidecarOf(reviewed.object)).toBeDefined();
    expect(reviewed.response.warnings).toEqual(['namespace "payments" is not known: held to be opted in']);
  });

  it('changes neither request nor facts', async () => {
    const request = creates(leaky);
    const before = structuredClone(request);
    await verifiedReview(request, 'both');
    expect(request).toEqual(before);
    expect(now).toEqual(new Date('2027-01-01T12:00:00Z'));
  });
});

/** An account that may read Secrets. */
function rbacFor([namespace, name]: readonly [string, string]): readonly JsonObject[] {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  return [
    payments,
    {
      apiVersion,
      kind: 'Role',
      metadata: { name: 'reader', namespace },
      rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }],
    },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata: { name: 'reader', namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  ];
}
