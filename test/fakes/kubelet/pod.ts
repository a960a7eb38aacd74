import { z } from 'zod';

/*
 * The part of a Pod that the stand-in kubelet acts on. Everything else is carried by the API server and not enforced here:
 * read-only root, resource limits, capabilities, seccomp, uid and NetworkPolicy.
 */

const keyRef = z.object({ name: z.string(), key: z.string(), optional: z.boolean().optional() });

const envVar = z.object({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: z
    .object({
      fieldRef: z.object({ fieldPath: z.string() }).optional(),
      configMapKeyRef: keyRef.optional(),
      secretKeyRef: keyRef.optional(),
    })
    .optional(),
});

const portReference = z.union([z.int(), z.string()]);

const probe = z.object({
  httpGet: z
    .object({
      path: z.string().default('/'),
      port: portReference,
      host: z.string().optional(),
      scheme: z.string().optional(),
    })
    .optional(),
  tcpSocket: z.object({ port: portReference, host: z.string().optional() }).optional(),
  initialDelaySeconds: z.number().default(0),
  periodSeconds: z.number().default(10),
  timeoutSeconds: z.number().default(1),
  failureThreshold: z.number().default(3),
});

const container = z.object({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  env: z.array(envVar).optional(),
  ports: z.array(z.object({ name: z.string().optional(), containerPort: z.int() })).optional(),
  volumeMounts: z
    .array(z.object({ name: z.string(), mountPath: z.string(), subPath: z.string().optional() }))
    .optional(),
  restartPolicy: z.string().optional(),
  startupProbe: probe.optional(),
  readinessProbe: probe.optional(),
  terminationMessagePath: z.string().default('/dev/termination-log'),
});

const items = z.array(z.object({ key: z.string(), path: z.string() })).optional();

const projection = z.object({
  serviceAccountToken: z
    .object({ path: z.string(), audience: z.string().optional(), expirationSeconds: z.number().default(3600) })
    .optional(),
  configMap: z.object({ name: z.string(), items, optional: z.boolean().optional() }).optional(),
  secret: z.object({ name: z.string(), items, optional: z.boolean().optional() }).optional(),
  downwardAPI: z
    .object({ items: z.array(z.object({ path: z.string(), fieldRef: z.object({ fieldPath: z.string() }) })) })
    .optional(),
});

const volume = z.object({
  name: z.string(),
  projected: z.object({ sources: z.array(projection) }).optional(),
  configMap: z.object({ name: z.string(), items, optional: z.boolean().optional() }).optional(),
  secret: z.object({ secretName: z.string(), items, optional: z.boolean().optional() }).optional(),
  emptyDir: z.object({}).optional(),
});

export const podSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
    deletionTimestamp: z.string().optional(),
    deletionGracePeriodSeconds: z.number().optional(),
  }),
  spec: z.object({
    nodeName: z.string().optional(),
    serviceAccountName: z.string().default('default'),
    restartPolicy: z.string().default('Always'),
    terminationGracePeriodSeconds: z.number().default(30),
    initContainers: z.array(container).default([]),
    containers: z.array(container),
    volumes: z.array(volume).default([]),
  }),
  status: z.object({ phase: z.string().optional(), podIP: z.string().optional() }).optional(),
});

export type Pod = z.infer<typeof podSchema>;
export type Container = z.infer<typeof container>;
export type Volume = z.infer<typeof volume>;
export type Projection = z.infer<typeof projection>;
export type Probe = z.infer<typeof probe>;
export type EnvVar = z.infer<typeof envVar>;

/** A native sidecar: an init container that runs on (KEP-753). */
export const isNativeSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === 'Always';

/** `namespace/name`. */
export const podKey = ({ metadata }: Pod): string => `${metadata.namespace}/${metadata.name}`;

/** The value of a downward API field, undefined for one this kubelet does not know. */
export function fieldOf(pod: Pod, address: string, fieldPath: string): string | undefined {
  const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(fieldPath);
  if (keyed !== null) {
    return (keyed[1] === 'labels' ? pod.metadata.labels : pod.metadata.annotations)?.[keyed[2] ?? ''] ?? '';
  }
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
    'spec.nodeName': pod.spec.nodeName,
    'spec.serviceAccountName': pod.spec.serviceAccountName,
    'status.podIP': address,
    'status.hostIP': '127.0.0.1',
  };
  return fields[fieldPath];
}
