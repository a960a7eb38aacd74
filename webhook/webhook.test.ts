import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWebhookTown, townImage, until, type WebhookTown } from '../test/builders/webhook-town.ts';
import type { Person } from '../test/fakes/api-server/api-server.ts';
import { type JsonObject, objectsAt, textAt, valueAt } from '../test/fakes/api-server/json.ts';

/*
 * Gate 1 as the API server meets it: real reviews over real TLS, by the program's own account of least RBAC.
 */

const admin: Person = { username: 'admin', groups: ['system:masters'] };
const alice: Person = { username: 'alice', uid: 'uid-alice', groups: ['team-a'] };
const bob: Person = { username: 'bob', uid: 'uid-bob', groups: ['team-b'] };
const rbac = 'apiVersion: rbac.authorization.k8s.io/v1';

let town: WebhookTown;

beforeAll(async () => {
  town = await startWebhookTown({
    before: `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { sallyport.dev/identity: enabled } }
---
apiVersion: v1
kind: Namespace
metadata: { name: plain }
---
${rbac}
kind: ClusterRole
metadata: { name: exempting }
rules:
- { apiGroups: [sallyport.dev], resources: [exemptions, exemptions/status], verbs: ["*"] }
- { apiGroups: [rbac.authorization.k8s.io], resources: [clusterrolebindings], verbs: [create, patch, delete] }
- { apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind] }
---
${rbac}
kind: ClusterRoleBinding
metadata: { name: exempting }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: exempting }
subjects:
- { apiGroup: rbac.authorization.k8s.io, kind: User, name: alice }
- { apiGroup: rbac.authorization.k8s.io, kind: User, name: bob }
`,
  });
  await town.cluster.settled();
});
afterAll(() => town.stop());

const refusalOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'admitted',
    (error: unknown) => (error instanceof Error ? error.message : 'unknown'),
  );

const pod = (namespace: string, name: string): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, annotations: { 'sallyport.dev/inbound': '8443=8080' } },
  spec: { containers: [{ name: 'web', image: 'registry.example/web:1', ports: [{ containerPort: 8080 }] }] },
});

const pods = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;

describe('gate 1', () => {
  it('says of each watch and each service that it is up', async () => {
    const metrics = await town.metrics();
    for (const resource of ['namespaces', 'exemptions', 'rolebindings', 'pods', 'networkpolicies']) {
      expect(metrics).toContain(`sallyport_watch_cache_synced{resource="${resource}"} 1\n`);
    }
    expect(metrics).toContain('sallyport_up_services{service="registrations"} 1\n');
  });

  it('has a Lease of its own that goes with its pod', async () => {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/sallyport-system/leases';
    const lease = await town.cluster.as(admin).get(`${leases}/sallyport-webhook-sallyport-webhook-1`);
    const own = await town.cluster.as(admin).get(`${pods('sallyport-system')}/sallyport-webhook-1`);
    expect(valueAt(lease, 'metadata', 'ownerReferences')).toEqual([
      { apiVersion: 'v1', kind: 'Pod', name: 'sallyport-webhook-1', uid: textAt(own, 'metadata', 'uid') },
    ]);
  });

  it('injects the sidecar of the settings into pods of an opted-in namespace, and the validating half agrees', async () => {
    const stored = await town.cluster.as(admin).create(pods('shop'), pod('shop', 'web-1'));
    const [sidecar] = objectsAt(stored, 'spec', 'initContainers');
    expect(sidecar).toMatchObject({ name: 'sallyport-sidecar', image: townImage, restartPolicy: 'Always' });
    expect(valueAt(stored, 'metadata', 'labels', 'sallyport.dev/injected')).toBe('true');
    const audited = town.cluster.auditLog.findLast(({ resource, verb }) => resource === 'pods' && verb === 'post');
    expect(audited?.annotations).toMatchObject({
      'inject.sallyport.dev/decision': 'injected',
      'workloads.sallyport.dev/decision': 'allowed',
    });
  });

  it('closes the plaintext port with a NetworkPolicy, which goes with the last pod that needs it', async () => {
    const path = '/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies';
    const policies = async () => objectsAt(await town.cluster.as(admin).list(path), 'items');
    await until('the policy is there', async () => (await policies()).length === 1);
    const [policy] = await policies();
    expect(valueAt(policy ?? {}, 'spec', 'ingress')).toEqual([
      {
        ports: [
          { protocol: 'TCP', port: 8443 },
          { protocol: 'TCP', port: 15490 },
        ],
      },
    ]);
    await town.cluster.as(admin).remove(`${pods('shop')}/web-1`);
    await until('the policy is gone', async () => (await policies()).length === 0);
  });

  it('AR-33 keeps the account’s token that the API server mounts into the sidecar after it, and is content with it', async () => {
    const stored = await town.cluster.as(admin).create(pods('shop'), pod('shop', 'web-2'));
    const [sidecar] = objectsAt(stored, 'spec', 'initContainers');
    expect(objectsAt(sidecar ?? {}, 'volumeMounts').map((mount) => textAt(mount, 'mountPath'))).toEqual([
      '/var/run/secrets/sallyport',
      '/var/run/secrets/kubernetes.io/serviceaccount',
    ]);
    await town.cluster.as(admin).remove(`${pods('shop')}/web-2`);
  });

  it('leaves pods of other namespaces as they are', async () => {
    const stored = await town.cluster.as(admin).create(pods('plain'), pod('plain', 'web-1'));
    expect(valueAt(stored, 'spec', 'initContainers')).toBeUndefined();
  });

  it('refuses a static credential with a denial that says where and what to do, and no value', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'db', namespace: 'shop' },
      type: 'Opaque',
      stringData: { password: 'correct-horse-9' },
    };
    const text = await refusalOf(town.cluster.as(admin).create('/api/v1/namespaces/shop/secrets', secret));
    expect(text).toContain(
      'admission webhook "credentials.sallyport.dev" denied the request: Sallyport refused Secret shop/db (1 finding)',
    );
    expect(text).toContain('[static-credential-secret] key password');
    const [, decisionId] =
      /Decision [0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2} \(decisionId (\w{10}) in the audit log\)/.exec(text) ?? [];
    expect(text).not.toContain('correct-horse');
    const denied = town.events().findLast(({ event }) => event === 'admission.denied');
    expect(denied).toMatchObject({
      correlation: { decisionId },
      outcome: 'refused',
      rules: ['static-credential-secret'],
      target: { kind: 'Secret', namespace: 'shop', name: 'db' },
    });
    expect(JSON.stringify(town.events())).not.toContain('correct-horse');
  });

  it('admits what a Deployment of its author makes, pods by the controllers, and injects those', async () => {
    await town.cluster.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: orders, namespace: shop }
spec:
  replicas: 1
  selector: { matchLabels: { app: orders } }
  template:
    metadata: { labels: { app: orders } }
    spec: { containers: [{ name: orders, image: orders }] }
`);
    await town.cluster.settled();
    const made = objectsAt(await town.cluster.as(admin).list(pods('shop')), 'items');
    expect(made).toHaveLength(1);
    expect(textAt(objectsAt(made[0] ?? {}, 'spec', 'initContainers')[0] ?? {}, 'name')).toBe('sallyport-sidecar');
    const deployment = town
      .events()
      .findLast(({ event, resource }) => event === 'admission.allowed' && resource === 'apps/v1/deployments');
    expect(deployment).toMatchObject({ deployer: 'admin' });
    expect(textAt(requireObject(deployment), 'templateDigest')).toMatch(/^[0-9a-f]{64}$/);
    const byController = town
      .events()
      .findLast(({ event, resource }) => event === 'admission.allowed' && resource === 'v1/pods');
    expect(byController).toMatchObject({
      principal: { username: 'system:serviceaccount:kube-system:replicaset-controller' },
    });
    expect(requireObject(byController)['deployer']).toBeUndefined();
  });

  it('refuses a workload whose account may do more than its deployer', async () => {
    await town.cluster.apply(`
apiVersion: v1
kind: ServiceAccount
metadata: { name: powerful, namespace: shop }
---
${rbac}
kind: Role
metadata: { name: secrets, namespace: shop }
rules: [{ apiGroups: [""], resources: [secrets], verbs: [get, list] }]
---
${rbac}
kind: RoleBinding
metadata: { name: powerful, namespace: shop }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: secrets }
subjects: [{ kind: ServiceAccount, name: powerful, namespace: shop }]
---
${rbac}
kind: Role
metadata: { name: deployers, namespace: shop }
rules: [{ apiGroups: ["", apps], resources: [pods, deployments], verbs: [create] }]
---
${rbac}
kind: RoleBinding
metadata: { name: alice, namespace: shop }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployers }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: alice }]
`);
    await town.cluster.settled();
    const powerful = { ...pod('shop', 'web-2') };
    const attempt = () =>
      refusalOf(
        town.cluster.as(alice).create(pods('shop'), {
          ...powerful,
          spec: { serviceAccountName: 'powerful', containers: [{ name: 'web', image: 'web' }] },
        }),
      );
    await until('the ceiling is known', async () => (await attempt()) !== 'admitted');
    const text = await attempt();
    expect(text).toContain('[workload-ceiling] account "powerful"');
    expect(text).toContain('secrets');
  });

  it('AR-19 a dry run gets the same verdict and patch, and leaves no event', async () => {
    const before = town.events().length;
    const stored = await town.cluster.as(admin).create(pods('shop'), pod('shop', 'dry'), 'dryRun=All');
    expect(textAt(objectsAt(stored, 'spec', 'initContainers')[0] ?? {}, 'name')).toBe('sallyport-sidecar');
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'dry', namespace: 'shop' },
      stringData: { password: 'correct-horse-9' },
    };
    expect(
      await refusalOf(town.cluster.as(admin).create('/api/v1/namespaces/shop/secrets', secret, 'dryRun=All')),
    ).toContain('static-credential-secret');
    expect(town.events()).toHaveLength(before);
    expect(await town.metrics()).toMatch(/sallyport_admission_requests_total\{[^}]*dry_run="true"\} [1-9]/);
  });

  it('counts what happened', async () => {
    const text = await town.metrics();
    expect(text).toMatch(/sallyport_findings_total\{rule="static-credential-secret",mode="enforce"\} [1-9]/);
    expect(text).toMatch(/sallyport_injections_total\{result="injected",reason=""\} [1-9]/);
    expect(text).toMatch(/sallyport_rbac_objects\{kind="clusterRoles"\} [1-9]/);
    expect(text).toMatch(/sallyport_registration_failure_policy\{webhook="inject"\} 1/);
    expect(text).toMatch(/sallyport_lease_held 1/);
  });
});

describe('an exemption', () => {
  const binding = `
${rbac}
kind: ClusterRoleBinding
metadata: { name: auditors }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: carol }]
`;
  const path = '/apis/sallyport.dev/v1alpha1/exemptions/auditors';
  const approve = (person: Person) => {
    const approval = { decision: 'approved', generation: 1, by: 'mallory' };
    return town.cluster.as(person).patch(`${path}/status`, { status: { approval } }, 'application/merge-patch+json');
  };

  it('lifts one finding from its approval by another person until it ends, each step recorded', async () => {
    expect(await refusalOf(town.cluster.apply(binding, alice))).toContain('[cluster-role-binding-justification]');

    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    await town.cluster.apply(exemption(expiresAt), alice);
    const asked = await town.cluster.as(alice).get(path);
    expect(valueAt(asked, 'spec', 'requestedBy')).toEqual({ username: 'alice', uid: 'uid-alice' });
    expect(await refusalOf(approve(alice))).toContain('[exemption-approval]');
    await until('the request is known', async () =>
      (await refusalOf(town.cluster.apply(binding, alice))).includes('Exemption "auditors" is not approved.'),
    );
    const approved = await approve(bob);
    expect(valueAt(approved, 'status', 'approval')).toMatchObject({
      decision: 'approved',
      by: 'bob',
      byUid: 'uid-bob',
    });

    await until(
      'the approval is known',
      async () => (await refusalOf(town.cluster.apply(binding, alice))) === 'admitted',
    );
    const audited = town.cluster.auditLog.findLast(
      ({ resource, code }) => resource === 'clusterrolebindings.rbac.authorization.k8s.io' && code === 201,
    );
    expect(audited?.annotations).toMatchObject({
      'cluster.sallyport.dev/cluster-role-binding-justification': 'exempt',
      'cluster.sallyport.dev/exemption': 'auditors',
    });
    const names = town.events().map(({ event }) => event);
    expect(names.indexOf('exemption.requested')).toBeLessThan(names.indexOf('exemption.approved'));
    expect(names.indexOf('exemption.approved')).toBeLessThan(names.indexOf('exemption.used'));
    expect(town.events().find(({ event }) => event === 'exemption.used')).toMatchObject({
      exemption: 'auditors',
      requester: 'alice',
      approver: 'bob',
    });

    await town.cluster.as(alice).remove('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/auditors');
    town.shiftWall(3_600_000);
    const refusal = await refusalOf(town.cluster.apply(binding, alice));
    expect(refusal).toContain('[cluster-role-binding-justification]');
    expect(refusal).toContain('Exemption "auditors" has expired.\n');
    await until('its end is recorded', () => town.events().some(({ event }) => event === 'exemption.expired'));
  });

  function exemption(expiresAt: string): string {
    return `
apiVersion: sallyport.dev/v1alpha1
kind: Exemption
metadata: { name: auditors }
spec:
  rules: [cluster-role-binding-justification]
  scope:
  - apiGroup: rbac.authorization.k8s.io
    kind: ClusterRoleBinding
    name: auditors
    grant:
      roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }
      subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: carol }]
  justification: The yearly audit reads every namespace.
  ticket: { system: tracker, id: OPS-1 }
  category: waiver
  owner: { team: platform, contact: platform@example.org }
  expiresAt: "${expiresAt}"
`;
  }
});

function requireObject(value: unknown): JsonObject {
  const isObject = (candidate: unknown): candidate is JsonObject => typeof candidate === 'object' && candidate !== null;
  if (!isObject(value)) {
    throw new TypeError('no object');
  }
  return value;
}
