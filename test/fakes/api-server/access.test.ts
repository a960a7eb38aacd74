import {
  ApiException,
  AuthorizationV1Api,
  CoreV1Api,
  type KubeConfig,
  setHeaderOptions,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterApi } from '../../../runtime/cluster/kubernetes-client.ts';
import { type FakeCluster, type Person, startApiServer } from './api-server.ts';
import { isObject, type JsonObject, objectsAt, requireJson, valueAt } from './json.ts';
import { isApiError } from './status.ts';

const admin: Person = { username: 'admin', groups: ['system:masters'] };
const alice: Person = { username: 'alice', groups: ['team-a'] };
const rbac = '/apis/rbac.authorization.k8s.io/v1';

let cluster: FakeCluster;

beforeAll(async () => {
  cluster = await startApiServer();
  await cluster.apply(`
apiVersion: v1
kind: Namespace
metadata: { name: team }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: edit, namespace: team }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: Group, name: team-a }]
`);
  await cluster.settled();
});

afterAll(() => cluster.stop());

describe('who asks', () => {
  test('is read from a client certificate, with the fingerprint as credential id', async () => {
    const review = await cluster.as(alice).create('/apis/authentication.k8s.io/v1/selfsubjectreviews', {});
    expect(valueAt(review, 'status', 'userInfo', 'groups')).toEqual(['team-a', 'system:authenticated']);
    const answer = requireJson(await selfReview(cluster.kubeConfig({ ...alice, uid: 'uid-of-alice' })));
    expect(valueAt(answer, 'status', 'userInfo')).toEqual({
      username: 'alice',
      uid: 'uid-of-alice',
      groups: ['team-a', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': [matching(/^X509SHA256=[0-9a-f]{64}$/)] },
    });
  });

  test('is refused with 401 when the certificate or token is not ours', async () => {
    const stranger = await startApiServer({ controllers: false });
    try {
      const foreign = stranger.kubeConfig(admin);
      const { certData, keyData } = foreign.getCurrentUser() ?? {};
      const config = cluster.kubeConfig(admin);
      config.users = [
        {
          name: 'admin',
          ...(certData === undefined ? {} : { certData }),
          ...(keyData === undefined ? {} : { keyData }),
        },
      ];
      expect(await listPods(config, 'team')).toBe(401);
      expect(await listPods(cluster.tokenKubeConfig('not.a.token'), 'team')).toBe(401);
    } finally {
      await stranger.stop();
    }
  });

  test('is nobody without credentials, who may read the version and nothing else', async () => {
    const config = cluster.tokenKubeConfig('');
    expect(await listPods(config, 'team')).toBe(403);
  });

  test('may be another, for whom impersonation is allowed', async () => {
    const impersonate = (person: Person): Promise<number> => {
      const config = cluster.kubeConfig(person);
      const core = config.makeApiClient(CoreV1Api);
      return codeOf(
        core.listNamespacedPod(
          { namespace: 'team' },
          setHeaderOptions('Impersonate-User', 'bob', setHeaderOptions('Impersonate-Group', 'team-a')),
        ),
      );
    };
    expect(await impersonate(admin)).toBe(200);
    expect(await impersonate(alice)).toBe(403);
  });
});

describe('who may', () => {
  test('is decided by bindings, with the real words', async () => {
    expect(await listPods(cluster.kubeConfig(alice), 'team')).toBe(200);
    const refused = await cluster
      .as(alice)
      .list('/api/v1/namespaces/default/pods')
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 403,
      message: 'pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the namespace "default"',
    });
  });

  test('reaches subresources and names exactly', async () => {
    await cluster.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: narrow }
rules:
  - { apiGroups: [""], resources: [pods/status], verbs: [get] }
  - { apiGroups: [""], resources: [configmaps], resourceNames: [one], verbs: [get] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: narrow }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: narrow }
subjects: [{ kind: User, name: nick }]
`);
    const may = async (
      verb: string,
      resource: string,
      more: { name?: string; subresource?: string },
    ): Promise<boolean | undefined> => {
      const api = cluster.kubeConfig(admin).makeApiClient(AuthorizationV1Api);
      const resourceAttributes = { group: '', namespace: 'team', verb, resource, ...more };
      const { status } = await api.createSubjectAccessReview({ body: { spec: { user: 'nick', resourceAttributes } } });
      return status?.allowed;
    };
    expect(await may('get', 'pods', { name: 'x', subresource: 'status' })).toBe(true);
    expect(await may('get', 'pods', { name: 'x' })).toBe(false);
    expect(await may('get', 'configmaps', { name: 'one' })).toBe(true);
    expect(await may('get', 'configmaps', { name: 'two' })).toBe(false);
    expect(await may('list', 'configmaps', {})).toBe(false);
  });

  test('collects the rules of admin, edit and view by aggregation', async () => {
    const role = await cluster.as(admin).get(`${rbac}/clusterroles/admin`);
    const resources = objectsAt(role, 'rules').flatMap((rule) => valueAt(rule, 'resources'));
    expect(JSON.stringify(resources)).toContain('rolebindings');
    expect(JSON.stringify(resources)).toContain('endpointslices');
  });
});

describe('granting', () => {
  const binding = (
    name: string,
    roleName: string,
  ): { metadata: { name: string }; roleRef: object; subjects: object[] } => ({
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: roleName },
    subjects: [{ kind: 'User', name: 'bob' }],
  });
  const path = `${rbac}/namespaces/team/rolebindings`;
  const create = (person: Person, roleName: string, name = roleName): Promise<unknown> =>
    cluster
      .as(person)
      .create(path, requireObject(binding(name, roleName)))
      .catch((error: unknown) => error);

  beforeAll(async () => {
    await cluster.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: binder, namespace: team }
rules:
  - { apiGroups: [rbac.authorization.k8s.io], resources: [roles, rolebindings], verbs: ["*"] }
  - { apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], resourceNames: [admin], verbs: [bind] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: binder, namespace: team }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: binder }
subjects: [{ kind: User, name: alice }]
`);
  });

  test('is held to what the granter holds', async () => {
    expect(await create(alice, 'view')).not.toBeInstanceOf(Error);
    expect(await create(alice, 'cluster-admin')).toMatchObject({
      code: 403,
      message: containing(
        'user "alice" (groups=["team-a" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:["*"], Resources:["*"], Verbs:["*"]}',
      ),
    });
  });

  test('is free for a role one may bind, and for masters', async () => {
    expect(await create(alice, 'admin')).not.toBeInstanceOf(Error);
    expect(await create(admin, 'cluster-admin', 'by-admin')).not.toBeInstanceOf(Error);
  });

  test('is held for the rules of a role too, unless one may escalate', async () => {
    const role = { metadata: { name: 'wide' }, rules: [{ apiGroups: ['*'], resources: ['secrets'], verbs: ['*'] }] };
    const refused = await cluster
      .as(alice)
      .create(`${rbac}/namespaces/team/roles`, role)
      .catch((error: unknown) => error);
    // Verb `*` on roles holds `escalate`.
    expect(isApiError(refused)).toBe(false);
    const clusterRole = await cluster
      .as(alice)
      .create(`${rbac}/clusterroles`, role)
      .catch((error: unknown) => error);
    expect(isApiError(clusterRole, 403)).toBe(true);
  });

  test('never changes whom a binding gives what', async () => {
    const stored = await cluster.as(admin).get(`${path}/view`);
    const changed = {
      ...stored,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
    };
    const refused = await cluster
      .as(admin)
      .replace(`${path}/view`, changed)
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 422, message: containing('cannot change roleRef') });
  });
});

function requireObject(value: unknown): JsonObject {
  const json = requireJson(value);
  if (!isObject(json)) {
    throw new TypeError('an object');
  }
  return json;
}

async function codeOf(call: Promise<unknown>): Promise<number> {
  try {
    await call;
    return 200;
  } catch (error) {
    if (error instanceof ApiException) {
      return error.code;
    }
    throw error;
  }
}

function listPods(config: KubeConfig, namespace: string): Promise<number> {
  return codeOf(config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace }));
}

function selfReview(config: KubeConfig): Promise<unknown> {
  return clusterApi(config, { timeoutMs: 10_000 }).create('/apis/authentication.k8s.io/v1/selfsubjectreviews', {});
}

function containing(text: string): unknown {
  return expect.stringContaining(text);
}

function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}
