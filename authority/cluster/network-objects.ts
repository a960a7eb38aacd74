import { z } from 'zod';
import type { NetworkPolicyFacts } from '../peers/network-policy-seen.ts';
import type { ServiceFacts, SliceFacts } from '../peers/service.ts';

const metadata = z.object({
  namespace: z.string().min(1),
  name: z.string().min(1),
  labels: z.record(z.string(), z.string()).default({}),
});

const serviceObject = z.object({
  metadata,
  spec: z.object({
    clusterIP: z.string().optional(),
    clusterIPs: z.array(z.string()).default([]),
    ports: z
      .array(z.object({ name: z.string().default(''), port: z.int(), protocol: z.string().default('TCP') }))
      .default([]),
  }),
});

/** What the directory keeps of a Service; undefined when it is not one. Headless Services have no address of their own. */
export function parseService(object: unknown): ServiceFacts | undefined {
  const read = serviceObject.safeParse(object);
  if (!read.success) {
    return undefined;
  }
  const { metadata: own, spec } = read.data;
  const addresses = [spec.clusterIP ?? '', ...spec.clusterIPs].filter(
    (address) => address !== '' && address !== 'None',
  );
  return {
    namespace: own.namespace,
    name: own.name,
    clusterIps: [...new Set(addresses)],
    ports: spec.ports.filter(({ protocol }) => protocol === 'TCP').map(({ name, port }) => ({ name, port })),
  };
}

const sliceObject = z.object({
  metadata,
  ports: z
    .array(z.object({ name: z.string().nullish(), port: z.int().nullish(), protocol: z.string().nullish() }))
    .nullish(),
  endpoints: z
    .array(
      z.object({
        addresses: z.array(z.string()).default([]),
        conditions: z.object({ ready: z.boolean().nullish() }).nullish(),
        targetRef: z
          .object({
            kind: z.string().optional(),
            namespace: z.string().optional(),
            name: z.string().optional(),
            uid: z.string().optional(),
          })
          .nullish(),
        zone: z.string().nullish(),
        nodeName: z.string().nullish(),
      }),
    )
    .nullish(),
});

type SliceObjectEndpoint = NonNullable<z.output<typeof sliceObject>['endpoints']>[number];

/** What the directory keeps of an EndpointSlice; undefined when it is none of a Service. Absent readiness means ready, as its API says. */
export function parseSlice(object: unknown): SliceFacts | undefined {
  const read = sliceObject.safeParse(object);
  const service = read.data?.metadata.labels['kubernetes.io/service-name'];
  if (!read.success || service === undefined) {
    return undefined;
  }
  const { metadata: own, ports, endpoints } = read.data;
  return {
    namespace: own.namespace,
    name: own.name,
    service,
    ports: (ports ?? []).flatMap(({ name, port, protocol }) =>
      typeof port === 'number' && (protocol ?? 'TCP') === 'TCP' ? [{ name: name ?? '', port }] : [],
    ),
    endpoints: (endpoints ?? []).map((endpoint) => ({
      addresses: endpoint.addresses,
      isReady: endpoint.conditions?.ready ?? true,
      pod: podOf(endpoint, own.namespace),
      zone: endpoint.zone ?? undefined,
      node: endpoint.nodeName ?? undefined,
    })),
  };
}

function podOf({ targetRef }: SliceObjectEndpoint, namespace: string): SliceFacts['endpoints'][number]['pod'] {
  const { kind, name, uid } = targetRef ?? {};
  return kind === 'Pod' && name !== undefined && uid !== undefined
    ? { namespace: targetRef?.namespace ?? namespace, name, uid }
    : undefined;
}

const networkPolicyObject = z.object({
  metadata,
  spec: z.object({
    podSelector: z.object({ matchLabels: z.record(z.string(), z.string()).default({}) }).default({ matchLabels: {} }),
  }),
});

/** What is kept of a NetworkPolicy; undefined when it is not one. */
export function parseNetworkPolicy(object: unknown): NetworkPolicyFacts | undefined {
  const read = networkPolicyObject.safeParse(object);
  return read.success
    ? {
        namespace: read.data.metadata.namespace,
        name: read.data.metadata.name,
        podLabels: read.data.spec.podSelector.matchLabels,
      }
    : undefined;
}
