import { createHash } from 'node:crypto';
import type { JsonObject } from '../admission/request.ts';
import { authorAnnotations } from '../annotations.ts';
import { textAt } from '../policy/json-access.ts';
import { resolveInbound } from './inbound-annotation.ts';
import { authorPorts, parsePortList } from './port-list.ts';

/** What must stay open on a pod in capture `explicit` once everything else is closed, by a NetworkPolicy. Sorted, distinct. */
export interface DeclaredPorts {
  /** TLS ports of the sidecar. */
  readonly tls: readonly number[];
  /** Application ports that stay plaintext on purpose. */
  readonly excluded: readonly number[];
  readonly udp: readonly number[];
  readonly sctp: readonly number[];
}

/** The same for a pod before and after injection. A mapping that cannot be read opens nothing. */
export function declaredPorts(pod: JsonObject): DeclaredPorts {
  const annotation = (key: string): string => textAt(pod, 'metadata', 'annotations', key) ?? '';
  const inbound = resolveInbound(annotation(authorAnnotations.inbound), pod);
  const excluded = parsePortList(annotation(authorAnnotations.excludeInboundPorts));
  const ports = authorPorts(pod);
  const of = (protocol: 'UDP' | 'SCTP'): readonly number[] =>
    sorted(ports.filter((port) => port.protocol === protocol).map(({ port }) => port));
  return {
    tls: sorted(inbound.ok ? inbound.value.map(({ listen }) => listen) : []),
    excluded: sorted(excluded.ok ? excluded.value : []),
    udp: of('UDP'),
    sctp: of('SCTP'),
  };
}

/** Value of the label `sallyport.dev/ports`: pods with the same ports share it, and one NetworkPolicy. 16 hex digits. */
export function portsLabel({ tls, excluded, udp, sctp }: DeclaredPorts): string {
  return createHash('sha256')
    .update(JSON.stringify([tls, excluded, udp, sctp]))
    .digest('hex')
    .slice(0, 16);
}

const sorted = (ports: readonly number[]): readonly number[] => [...new Set(ports)].sort((a, b) => a - b);
