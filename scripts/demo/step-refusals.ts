import type { Stage } from './stage.ts';
import { deployment } from './workloads.ts';

interface Attempt {
  readonly by: 'alice' | 'carol';
  readonly tried: string;
  readonly path: string;
  readonly object: object;
  /** The rule that must speak. */
  readonly rule: string;
}

const secret = (name: string, more: object): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { namespace: 'shop', name },
  ...more,
});
const secrets = '/api/v1/namespaces/shop/secrets';
const deployments = '/apis/apps/v1/namespaces/shop/deployments';
export const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';

export const takeover = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'ci-admin' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ kind: 'ServiceAccount', namespace: 'shop', name: 'ci' }],
};

const container = (more: object): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'shop', name: 'leaky' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'leaky' } },
    template: {
      metadata: { labels: { app: 'leaky' } },
      spec: { serviceAccountName: 'web', containers: [{ name: 'app', image: 'registry.example/shop/app:1', ...more }] },
    },
  },
});

const attempts: readonly Attempt[] = [
  {
    by: 'alice',
    tried: 'create a Secret that holds a service-account token without end',
    path: secrets,
    object: secret('web-token', {
      type: 'kubernetes.io/service-account-token',
      metadata: { namespace: 'shop', name: 'web-token', annotations: { 'kubernetes.io/service-account.name': 'web' } },
    }),
    rule: 'legacy-token-secret',
  },
  {
    by: 'alice',
    tried: 'create an Opaque Secret with a database password',
    path: secrets,
    object: secret('orders-db', { type: 'Opaque', stringData: { DB_USER: 'orders', DB_PASSWORD: 'Tr0ub4dor-and-3' } }),
    rule: 'static-credential-secret',
  },
  {
    by: 'carol',
    tried: 'bind cluster-admin to the account of a CI job',
    path: bindings,
    object: takeover,
    rule: 'cluster-role-binding-justification',
  },
  {
    by: 'alice',
    tried: 'deploy with a password written into the environment',
    path: deployments,
    object: container({ env: [{ name: 'DB_PASSWORD', value: 'Tr0ub4dor-and-3' }] }),
    rule: 'credential-in-env',
  },
  {
    by: 'alice',
    tried: 'deploy under an account that may read every Secret, which she may not',
    path: deployments,
    object: deployment({ name: 'report', account: 'reporter' }),
    rule: 'workload-ceiling',
  },
  {
    by: 'alice',
    tried: 'start a pod with a container of her own under our name',
    path: '/api/v1/namespaces/shop/pods',
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'shop', name: 'imposter' },
      spec: {
        serviceAccountName: 'web',
        containers: [
          { name: 'app', image: 'registry.example/shop/app:1' },
          { name: 'sallyport-sidecar', image: 'registry.example/mallory/sidecar:1' },
        ],
      },
    },
    rule: 'reserved-name',
  },
];

const neverShown = 'Tr0ub4dor-and-3';

/** (a) Manifests that must be refused, with the denial as the person reads it. */
export async function refuseManifests(stage: Stage): Promise<void> {
  stage.narrator.heading('(a) Gate 1 refuses what would undo identity');
  for (const { by, tried, path, object, rule } of attempts) {
    const reply = await stage.people[by].create(path, object);
    const text = reply.ok ? '' : reply.message;
    const held = !reply.ok && reply.code === 403 && text.includes(`[${rule}]`) && !text.includes(neverShown);
    stage.narrator.outcome({
      step: 'a',
      tried,
      by,
      happened: reply.ok ? 'admitted' : `refused by ${rule}`,
      held,
      detail: text,
    });
  }
}
