import { type JsonObject, objectAt, objectsAt, withDefaults } from '../json.ts';

/** A Service with the API's defaults; its address is allocated later. */
export function defaultService(service: JsonObject): JsonObject {
  const spec = withDefaults(objectAt(service, 'spec'), {
    type: 'ClusterIP',
    sessionAffinity: 'None',
    internalTrafficPolicy: 'Cluster',
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
  });
  const ports = objectsAt(spec, 'ports').map((port) =>
    withDefaults(port, { protocol: 'TCP', targetPort: port['port'] }),
  );
  return { ...service, spec: { ...spec, ...(ports.length === 0 ? {} : { ports }) } };
}

/** The address of the `index`-th Service (from 1) in 127.96.0.0/16: loopback, so that a host without privileges can listen there. */
export function clusterAddress(index: number): string {
  return `127.96.${Math.floor(index / 256) % 256}.${index % 256}`;
}
