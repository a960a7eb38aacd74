import { CoreV1Api, setHeaderOptions } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import { type FakeCluster, type Person, startApiServer } from '../fakes/api-server/api-server.ts';
import {
  isList,
  isObject,
  type Json,
  type JsonObject,
  objectAt,
  parseJson,
  textAt,
  withAt,
} from '../fakes/api-server/json.ts';
import { type Received, startTestWebhook, type TestWebhook } from '../fakes/api-server/test-webhook.ts';
import { outsideData } from './outside-data.ts';

/*
 * What a real API server sent to a webhook, and what ours sends for the same request: equal but for what chance and the clock decide.
 */

const recorded = outsideData('kubernetes');
const admin: Person = { username: 'admin', groups: ['system:masters'] };
const alice: Person = { username: 'alice', groups: ['team-a'] };
const created = 'fieldManager=kubectl-create&fieldValidation=Strict';
const rbac = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';

describe.skipIf(recorded.isAbsent)('a review, as the real API server sends it', () => {
  let cluster: FakeCluster;
  let webhook: TestWebhook;

  beforeAll(async () => {
    cluster = await startApiServer();
    await cluster.apply(`
{ apiVersion: v1, kind: Namespace, metadata: { name: probe } }
---
{ apiVersion: v1, kind: ServiceAccount, metadata: { name: app, namespace: probe } }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: team-a }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: Group, name: team-a }]
`);
    await cluster.settled();
    webhook = await startTestWebhook(() => ({ allowed: true }));
    await cluster.as(admin).create('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
      metadata: { name: 'recorder' },
      webhooks: [
        {
          name: 'recorder.example.org',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          clientConfig: { url: `https://127.0.0.1:${webhook.port}/`, caBundle: webhook.caBundle },
          rules: [
            {
              apiGroups: ['*'],
              apiVersions: ['*'],
              operations: ['CREATE'],
              resources: ['pods', 'secrets', 'clusterrolebindings', 'serviceaccounts/token'],
            },
          ],
        },
      ],
    });
  });

  afterAll(async () => {
    await webhook.stop();
    await cluster.stop();
  });

  /** Sends the recorded object as its author did, and compares what reached the webhooks. */
  async function replay(file: string, send: () => Promise<unknown>): Promise<void> {
    await send();
    const ours = webhook.received.at(-1);
    const theirs = parseJson(recorded.read(file));
    expect(masked(ours?.request ?? null)).toEqual(masked(objectAt(theirs, 'body', 'request')));
    expect(Object.keys(headersOf(ours)).toSorted(byText)).toEqual(
      Object.keys(objectAt(theirs, 'headers')).toSorted(byText),
    );
  }

  async function over(person: Person, path: string, body: JsonObject, query: string): Promise<void> {
    // By HTTPS: the certificate's fingerprint is part of what is compared.
    await clusterApi(cluster.kubeConfig(person), { timeoutMs: 10_000 }).create(
      path,
      body,
      Object.fromEntries(new URLSearchParams(query)),
    );
  }

  test('of a Pod', () =>
    replay('review-Pod-CREATE-alice.json', () => {
      const app = { name: 'app', image: 'localhost/e2e:1', args: ['/app/web.mjs', '8080'], imagePullPolicy: 'Never' };
      const body = {
        metadata: { name: 'web', labels: { app: 'web' } },
        spec: { serviceAccountName: 'app', containers: [app] },
      };
      return over(alice, '/api/v1/namespaces/probe/pods', body, created);
    }));

  test('of a Secret', () =>
    replay('review-Secret-CREATE-alice.json', () =>
      over(
        alice,
        '/api/v1/namespaces/probe/secrets',
        { metadata: { name: 'db' }, type: 'Opaque', data: { password: 'aHVudGVyMg==', user: 'YXBw' } },
        created,
      ),
    ));

  test('of a Secret by somebody impersonated', () =>
    replay('review-Secret-CREATE-carol.json', () => {
      const options = setHeaderOptions('Impersonate-User', 'carol', setHeaderOptions('Impersonate-Group', 'team-a'));
      const body = { metadata: { name: 'by-carol' }, type: 'Opaque', data: { a: 'Yg==' } };
      return cluster
        .kubeConfig(admin)
        .makeApiClient(CoreV1Api)
        .createNamespacedSecret(
          { namespace: 'probe', body, fieldManager: 'kubectl-create', fieldValidation: 'Strict' },
          options,
        );
    }));

  test('of a ClusterRoleBinding', () =>
    replay('review-ClusterRoleBinding-CREATE-alice.json', () => {
      const subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'bob' }];
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' };
      return over(alice, rbac, { metadata: { name: 'alice-view' }, subjects, roleRef }, created);
    }));

  test('of a ClusterRoleBinding by kubectl apply', () =>
    replay('review-ClusterRoleBinding-CREATE-admin.json', () => {
      const object = objectAt(
        parseJson(recorded.read('review-ClusterRoleBinding-CREATE-admin.json')),
        'body',
        'request',
        'object',
      );
      const { annotations, name } = objectAt(object, 'metadata');
      const query = 'fieldManager=kubectl-client-side-apply&fieldValidation=Strict';
      return over(admin, rbac, withAt(object, ['metadata'], { annotations, name }), query);
    }));

  test('of a TokenRequest', () =>
    replay('review-TokenRequest-CREATE-admin.json', () => {
      const uid = textAt(cluster.store.get({ group: '', plural: 'pods' }, 'probe', 'web'), 'metadata', 'uid');
      const spec = {
        audiences: ['sallyport'],
        expirationSeconds: 600,
        boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'web', uid },
      };
      return over(admin, '/api/v1/namespaces/probe/serviceaccounts/app/token', { spec }, '');
    }));
});

/** Chance and the clock: uids, times, fingerprints, the letters behind a generated name. The manager of an unnamed client is its own. */
function masked(value: Json | undefined): Json {
  if (isList(value)) {
    return value.map((item) => masked(item));
  }
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, key === 'manager' ? 'manager' : masked(item)]),
    );
  }
  if (typeof value !== 'string') {
    return value ?? null;
  }
  return value
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'uid')
    .replaceAll(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/g, 'time')
    .replaceAll(/(?<=X509SHA256=)[0-9a-f]{64}/g, 'fingerprint')
    .replaceAll(/(?<=kube-api-access-)[a-z0-9]{5}/g, 'xxxxx');
}

function headersOf(received: Received | undefined): JsonObject {
  return objectAt(
    {
      headers: Object.fromEntries(
        Object.keys(received?.headers ?? {})
          .filter((name) => name !== 'connection')
          .map((name) => [name, '']),
      ),
    },
    'headers',
  );
}

function byText(left: string, right: string): number {
  return left.localeCompare(right);
}
