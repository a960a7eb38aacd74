import { z } from 'zod';
import type { AttestedPod, ContainerPort } from '../attestation/ports.ts';
import { marks } from '../marks.ts';

const containerStatus = z.object({ imageID: z.string().default('') });
const container = z.object({
  ports: z
    .array(z.object({ name: z.string().optional(), containerPort: z.int(), protocol: z.string().default('TCP') }))
    .default([]),
});

const podObject = z.object({
  metadata: z.object({
    uid: z.string().min(1),
    namespace: z.string().min(1),
    name: z.string().min(1),
    deletionTimestamp: z.string().nullish(),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.object({
    serviceAccountName: z.string().default('default'),
    nodeName: z.string().optional(),
    containers: z.array(container).default([]),
    initContainers: z.array(container).default([]),
  }),
  status: z
    .object({
      phase: z.string().default('Pending'),
      podIP: z.string().optional(),
      podIPs: z.array(z.object({ ip: z.string() })).default([]),
      containerStatuses: z.array(containerStatus).default([]),
      initContainerStatuses: z.array(containerStatus).default([]),
    })
    .default({ phase: 'Pending', podIPs: [], containerStatuses: [], initContainerStatuses: [] }),
});

type PodObject = z.output<typeof podObject>;

/** What we keep of a Pod as the API server holds it; undefined when it is not one. */
export function parsePod(object: unknown): AttestedPod | undefined {
  const read = podObject.safeParse(object);
  if (!read.success) {
    return undefined;
  }
  const { metadata, spec, status } = read.data;
  const containerPorts = portsOf(read.data);
  return {
    uid: metadata.uid,
    namespace: metadata.namespace,
    name: metadata.name,
    serviceAccount: spec.serviceAccountName,
    node: spec.nodeName,
    phase: status.phase,
    addresses: addressesOf(status),
    isBeingDeleted: (metadata.deletionTimestamp ?? undefined) !== undefined,
    isInjected: metadata.labels[marks.injected] === 'true',
    labels: metadata.labels,
    inbound: inboundOf(metadata.annotations[marks.inbound] ?? '', containerPorts),
    containerPorts,
    imageDigests: digestsOf(status),
  };
}

function addressesOf({ podIP, podIPs }: PodObject['status']): readonly string[] {
  const all = podIPs.map(({ ip }) => ip);
  return podIP === undefined || podIP === '' || all.includes(podIP) ? all : [podIP, ...all];
}

function portsOf({ spec }: PodObject): readonly ContainerPort[] {
  return [...spec.initContainers, ...spec.containers]
    .flatMap(({ ports }) => ports)
    .filter(({ protocol }) => protocol === 'TCP')
    .map(({ name, containerPort }) => (name === undefined ? { port: containerPort } : { name, port: containerPort }));
}

/** `8443=8080,9443=grpc` as target -> TLS port. Admission judged the text; what is not of the form here opens nothing. */
function inboundOf(text: string, ports: readonly ContainerPort[]): ReadonlyMap<number, number> {
  const mappings = new Map<number, number>();
  for (const pair of text.split(',')) {
    const [listen, target, ...more] = pair.split('=').map((part) => part.trim());
    const listenPort = portNumber(listen);
    const targetPort = portNumber(target) ?? ports.find(({ name }) => name !== undefined && name === target)?.port;
    if (listenPort !== undefined && targetPort !== undefined && more.length === 0) {
      mappings.set(targetPort, listenPort);
    }
  }
  return mappings;
}

function portNumber(text: string | undefined): number | undefined {
  const port = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isInteger(port) && port > 0 && port <= 65_535 ? port : undefined;
}

function digestsOf({ containerStatuses, initContainerStatuses }: PodObject['status']): readonly string[] {
  return [...initContainerStatuses, ...containerStatuses]
    .map(({ imageID }) => imageID.slice(imageID.lastIndexOf('sha256:')))
    .filter((digest) => digest.startsWith('sha256:') && digest.length === 'sha256:'.length + 64);
}
