import type { JsonObject } from '../../webhook/admission/request.ts';

/*
 * The pod of subject `admission`: what an API server shows a webhook of an ordinary web service, defaults filled in, a volume mounted for its account, and the
 * managed fields of whoever wrote it, which are the larger half. About 6 KB of JSON.
 */

const labels: JsonObject = {
  'app.kubernetes.io/name': 'checkout',
  'app.kubernetes.io/instance': 'checkout-eu',
  'app.kubernetes.io/version': '4.18.2',
  'app.kubernetes.io/component': 'api',
  'app.kubernetes.io/part-of': 'shop',
  'app.kubernetes.io/managed-by': 'Helm',
};

const probe = (path: string): JsonObject => ({
  httpGet: { path, port: 'http', scheme: 'HTTP' },
  timeoutSeconds: 1,
  periodSeconds: 10,
  successThreshold: 1,
  failureThreshold: 3,
});

const fromSecret = (name: string, key: string): JsonObject => ({
  name,
  valueFrom: { secretKeyRef: { name: 'checkout-settings', key } },
});

const env: readonly JsonObject[] = [
  { name: 'LOG_LEVEL', value: 'info' },
  { name: 'PORT', value: '8080' },
  { name: 'CATALOGUE_URL', value: 'http://catalogue.shop.svc:8080/v2' },
  { name: 'TAX_URL', value: 'http://tax.finance.svc:8080' },
  { name: 'DATABASE_HOST', value: 'orders-db.shop.svc' },
  { name: 'DATABASE_POOL_SIZE', value: '20' },
  { name: 'DATABASE_PASSWORD_FILE', value: '/etc/checkout/database-password' },
  { name: 'TOKEN_AUDIENCE', value: 'checkout' },
  fromSecret('FEATURES', 'features'),
  fromSecret('REGION', 'region'),
  { name: 'POD_IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
  { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: 'http://collector.observability.svc:4317' },
  { name: 'OTEL_RESOURCE_ATTRIBUTES', value: 'service.name=checkout,service.namespace=shop' },
];

const container: JsonObject = {
  name: 'checkout',
  image: 'registry.example/shop/checkout@sha256:3b1f0b2c6b9f4a0a9c7b8f1d2e3c4b5a69788796a5b4c3d2e1f0a1b2c3d4e5f6',
  args: ['--config', '/etc/checkout/config.yaml', '--graceful-shutdown', '20s'],
  ports: [
    { name: 'http', containerPort: 8080, protocol: 'TCP' },
    { name: 'metrics', containerPort: 9102, protocol: 'TCP' },
  ],
  env: [...env],
  resources: { limits: { cpu: '1', memory: '512Mi' }, requests: { cpu: '100m', memory: '256Mi' } },
  volumeMounts: [
    { name: 'config', readOnly: true, mountPath: '/etc/checkout' },
    { name: 'scratch', mountPath: '/tmp' },
  ],
  livenessProbe: probe('/live'),
  readinessProbe: probe('/ready'),
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'IfNotPresent',
  securityContext: {
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
  },
};

/** `fieldsV1` of every leaf of a value: lists of named entries by their name, others as one. */
function fieldsOf(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [`f:${key}`, Array.isArray(member) ? named(member) : deeper(member)]),
  );
}

function named(entries: readonly unknown[]): JsonObject {
  const fields = entries.flatMap((entry): [string, JsonObject][] =>
    isObject(entry) && typeof entry['name'] === 'string'
      ? [[`k:{"name":"${entry['name']}"}`, { '.': {}, ...fieldsOf(entry) }]]
      : [],
  );
  return fields.length === 0 ? {} : { '.': {}, ...Object.fromEntries(fields) };
}

const deeper = (member: unknown): JsonObject => (isObject(member) ? { '.': {}, ...fieldsOf(member) } : {});

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const spec: JsonObject = {
  volumes: [
    { name: 'config', configMap: { name: 'checkout-config', defaultMode: 420 } },
    { name: 'scratch', emptyDir: { sizeLimit: '64Mi' } },
  ],
  containers: [container],
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  serviceAccountName: 'checkout',
  serviceAccount: 'checkout',
  securityContext: { runAsUser: 10_001, fsGroup: 10_001, seccompProfile: { type: 'RuntimeDefault' } },
  schedulerName: 'default-scheduler',
  tolerations: ['not-ready', 'unreachable'].map((taint) => ({
    key: `node.kubernetes.io/${taint}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 300,
  })),
  priority: 0,
  enableServiceLinks: true,
  preemptionPolicy: 'PreemptLowerPriority',
};

/** The namespace and account of the pod, and the person who writes it. */
export const benchNamespace = 'shop';
export const benchAccount = 'checkout';
export const benchDeployer = { username: 'alice@example.org', groups: ['shop-deployers', 'system:authenticated'] };

/** A pod that every rule accepts once it is injected. */
export const ordinaryPod: JsonObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'checkout-7d9f8c6b5d-x2x7q',
    namespace: benchNamespace,
    uid: '5f0d3c58-93f5-4e0c-9a6e-0c1d7e8f9a0b',
    creationTimestamp: '2027-01-01T12:00:00Z',
    labels,
    annotations: {
      'checksum/config': '9b74c9897bac770ffc029102a200c5de0a1b2c3d4e5f60718293a4b5c6d7e8f9',
      'sallyport.dev/inbound': '8443=http,9443=metrics',
    },
    managedFields: [
      {
        manager: 'helm',
        operation: 'Update',
        apiVersion: 'v1',
        time: '2027-01-01T12:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:metadata': { 'f:labels': fieldsOf(labels) }, 'f:spec': fieldsOf(spec) },
      },
    ],
  },
  spec,
  status: { phase: 'Pending', qosClass: 'Burstable' },
};

/** The same with a password in a literal: what must be refused. */
export const refusedPod: JsonObject = {
  ...ordinaryPod,
  spec: {
    ...spec,
    containers: [{ ...container, env: [...env, { name: 'DATABASE_PASSWORD', value: 'correct-horse-9' }] }],
  },
};
