import { authorityAccess, webhookAccess } from '../../manifests/roles.ts';

/*
 * Sallyport as it is installed in the demo's cluster: the objects that a person would apply, with accounts of least RBAC. The registrations are shipped empty; the
 * webhook's leader fills them.
 */

export const trustDomain = 'demo.example';
export const systemNamespace = 'sallyport-system';
export const images = {
  webhook: 'registry.example/sallyport/webhook:0.1.0',
  authority: 'registry.example/sallyport/authority:0.1.0',
  sidecar: `registry.example/sallyport/sidecar@sha256:${'5a'.repeat(32)}`,
} as const;

type Env = { readonly name: string; readonly value?: string; readonly valueFrom?: object };

const value = (name: string, text: string): Env => ({ name: `SALLYPORT_${name}`, value: text });
const field = (name: string, fieldPath: string): Env => ({
  name: `SALLYPORT_${name}`,
  valueFrom: { fieldRef: { fieldPath } },
});

const fromPod: readonly Env[] = [
  field('POD_NAME', 'metadata.name'),
  field('POD_UID', 'metadata.uid'),
  field('NODE_NAME', 'spec.nodeName'),
  field('LISTEN_ADDRESS', 'status.podIP'),
  value('SERVICE_ACCOUNT_DIR', '/var/run/secrets/kubernetes.io/serviceaccount'),
  value('AUDIT_DIR', '/var/lib/sallyport/audit'),
  value('TRUST_DOMAIN', trustDomain),
  value('CLUSTER', 'demo'),
];

function program(name: 'webhook' | 'authority', env: readonly Env[]): object {
  const labels = { app: `sallyport-${name}` };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: systemNamespace, name: `sallyport-${name}` },
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: `sallyport-${name}`,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 20,
          securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name,
              image: images[name],
              env: [...fromPod, ...env],
              ports: [
                { name: 'https', containerPort: 8443 },
                { name: 'metrics', containerPort: 9090 },
              ],
              readinessProbe: { httpGet: { path: '/ready', port: 9090 }, periodSeconds: 1 },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              volumeMounts: [{ name: 'audit', mountPath: '/var/lib/sallyport/audit' }],
            },
          ],
          volumes: [{ name: 'audit', emptyDir: {} }],
        },
      },
    },
  };
}

function serviceOf(name: 'webhook' | 'authority', port: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: systemNamespace, name: `sallyport-${name}` },
    spec: { selector: { app: `sallyport-${name}` }, ports: [{ name: 'https', port, targetPort: 8443 }] },
  };
}

const account = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { namespace: systemNamespace, name },
});
const registration = (kind: string): object => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind,
  metadata: { name: 'sallyport' },
});

/** What is applied first: accounts, their rights, Services and the empty registrations. */
export const foundation: readonly object[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: systemNamespace } },
  account('sallyport-webhook'),
  account('sallyport-authority'),
  ...webhookAccess(systemNamespace),
  ...authorityAccess(systemNamespace),
  serviceOf('webhook', 443),
  serviceOf('authority', 8443),
  registration('MutatingWebhookConfiguration'),
  registration('ValidatingWebhookConfiguration'),
];

/** The two programs. `authorityAddress`: one host has no cluster DNS, so sidecars are given the Service's own address. */
export function programs(authorityAddress: string): readonly object[] {
  return [
    program('authority', [
      field('POD_NAMESPACE', 'metadata.namespace'),
      field('POD_IP', 'status.podIP'),
      value('X509_TTL', '60s'),
      value('ATTEST_SOURCE_ADDRESS', 'enforce'),
    ]),
    program('webhook', [
      value('INJECTION_IMAGE', images.sidecar),
      value('INJECTION_AUTHORITY_ADDRESS', authorityAddress),
      value('BREAK_GLASS_GROUPS', 'cluster-wardens'),
    ]),
  ];
}
