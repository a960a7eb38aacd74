import { injectedKeys } from '../annotations.ts';
import { declaredPorts, portsLabel } from '../injection/declared-ports.ts';
import { textAt } from '../policy/json-access.ts';
import type { OpenPort, PodPorts } from './network-policy-plan.ts';
import { isObject } from './objects.ts';

/** Selects pods of capture `explicit`. */
export const podPortsSelector = injectedKeys.ports;

/** Where the kubelet and Prometheus reach the sidecar. */
const adminPort = 15_490;

/**
 * What the cache keeps of an injected pod: nothing but its namespace and its ports, of which most pods share one set. Undefined for a pod whose label is not the
 * digest of its own ports, for it would open ports on others.
 */
export function parsePodPorts(object: unknown): PodPorts | undefined {
  const namespace = isObject(object) ? textAt(object, 'metadata', 'namespace') : undefined;
  if (!isObject(object) || namespace === undefined) {
    return undefined;
  }
  const declared = declaredPorts(object);
  const label = textAt(object, 'metadata', 'labels', injectedKeys.ports);
  if (label === undefined || label !== portsLabel(declared)) {
    return undefined;
  }
  const tcp = [...new Set([...declared.tls, adminPort, ...declared.excluded])].map(of('TCP'));
  return { namespace, label, open: [...tcp, ...declared.udp.map(of('UDP')), ...declared.sctp.map(of('SCTP'))] };
}

function of(protocol: OpenPort['protocol']): (port: number) => OpenPort {
  return (port) => ({ protocol, port });
}
