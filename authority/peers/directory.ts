import { plainAddress } from '../attestation/pod-match.ts';
import type { AttestedPod } from '../attestation/ports.ts';
import type { Destination, Endpoint } from '../client/messages.ts';
import type { ServiceFacts, SliceEndpoint, SliceFacts } from './service.ts';

/** What the directory is built from: snapshots of the watches. */
export interface DirectoryFacts {
  readonly services: readonly ServiceFacts[];
  readonly slices: readonly SliceFacts[];
  /** Injected pods. */
  readonly pods: readonly AttestedPod[];
  /** The SPIFFE ID of a pod, undefined when it can have none. */
  readonly idOf: (pod: AttestedPod) => string | undefined;
}

export type DirectoryAnswer = Omit<Destination, 'generation'>;

/** Who is behind which key, at one moment. */
export interface Directory {
  /**
   * `key`: `<service>.<namespace>.svc:<port>` as declared, or `ip:port` as dialled. `mesh`: at least one endpoint proves an identity. `outside`: a
   * Service whose endpoints prove none. `unknown`: nothing is known, which is never a reason to dial without proof.
   */
  lookUp(key: string): DirectoryAnswer;
}

type ServicePort = ServiceFacts['ports'][number];

/** An index over the facts. Pure; made anew when they change. */
export function buildDirectory(facts: DirectoryFacts): Directory {
  const services = new Map(
    facts.services.flatMap((service) => hostsOf(service).map((host): [string, ServiceFacts] => [host, service])),
  );
  const slices = Map.groupBy(facts.slices, ({ namespace, service }) => `${namespace}/${service}`);
  const podsByUid = new Map(facts.pods.map((pod) => [pod.uid, pod]));
  const podsByAddress = new Map(
    facts.pods.flatMap((pod) => pod.addresses.map((address): [string, AttestedPod] => [plainAddress(address), pod])),
  );

  const ofSlice = (endpoint: SliceEndpoint, port: number): readonly Endpoint[] => {
    const pod = endpoint.pod === undefined ? undefined : podsByUid.get(endpoint.pod.uid);
    return endpoint.addresses.map((address) => ({
      ...(pod === undefined ? plaintext(address, port) : ofPod(pod, address, port, facts)),
      ready: endpoint.isReady && pod?.isBeingDeleted !== true,
      ...(endpoint.zone === undefined ? {} : { zone: endpoint.zone }),
      ...(endpoint.node === undefined ? {} : { node: endpoint.node }),
    }));
  };

  const ofService = (service: ServiceFacts, { name }: ServicePort): readonly Endpoint[] =>
    (slices.get(`${service.namespace}/${service.name}`) ?? []).flatMap((slice) => {
      const target = slice.ports.find((port) => port.name === name);
      return target === undefined ? [] : slice.endpoints.flatMap((endpoint) => ofSlice(endpoint, target.port));
    });

  return {
    lookUp(key) {
      const split = splitKey(key);
      const service = split === undefined ? undefined : services.get(split.host);
      const port = service?.ports.find((candidate) => candidate.port === split?.port);
      if (service !== undefined && port !== undefined) {
        return answerOf(key, ofService(service, port));
      }
      const pod = split === undefined ? undefined : podsByAddress.get(split.host);
      return split === undefined || pod === undefined
        ? { key, kind: 'unknown', endpoints: [] }
        : answerOf(key, [ofPod(pod, split.host, split.port, facts)]);
    },
  };
}

function hostsOf({ name, namespace, clusterIps }: ServiceFacts): readonly string[] {
  return [`${name}.${namespace}.svc`, ...clusterIps.map(plainAddress)];
}

function splitKey(key: string): { readonly host: string; readonly port: number } | undefined {
  const colon = key.lastIndexOf(':');
  const port = Number(key.slice(colon + 1));
  const host = key.slice(0, Math.max(0, colon));
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  return bare !== '' && Number.isInteger(port) && port > 0 ? { host: plainAddress(bare), port } : undefined;
}

function answerOf(key: string, endpoints: readonly Endpoint[]): DirectoryAnswer {
  const kind = endpoints.some((endpoint) => !endpoint.plaintext) ? 'mesh' : 'outside';
  return { key, kind, endpoints: [...endpoints] };
}

/** A pod of ours answers at the TLS port of the target; a target without one is not behind its sidecar. */
function ofPod(pod: AttestedPod, address: string, port: number, { idOf }: DirectoryFacts): Endpoint {
  const tlsPort = pod.inbound.get(port) ?? ([...pod.inbound.values()].includes(port) ? port : undefined);
  const id = idOf(pod);
  return tlsPort === undefined || id === undefined
    ? { ...plaintext(address, port), ready: !pod.isBeingDeleted }
    : { address, port: tlsPort, ids: [id], ours: true, plaintext: false, ready: !pod.isBeingDeleted };
}

function plaintext(address: string, port: number): Endpoint {
  return { address, port, ids: [], ours: false, plaintext: true, ready: true };
}
