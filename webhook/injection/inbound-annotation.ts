import type { Parsed } from '../../runtime/parsed.ts';
import { type InboundMapping, parseInbound } from '../../sidecar/settings.ts';
import type { JsonObject } from '../admission/request.ts';
import { authorPorts, type DeclaredPort } from './port-list.ts';

/** `8443=8080,9443=grpc` with the port names of the pod's containers put in place, as the sidecar reads it. */
export function resolveInbound(text: string, pod: JsonObject): Parsed<readonly InboundMapping[]> {
  return parseInbound(withNamesResolved(text, authorPorts(pod)));
}

/** Whether the text could be a mapping in some pod: names are taken for ports of their own. */
export function checkInbound(text: string): Parsed<unknown> {
  const names = text
    .split(',')
    .map((pair) => pair.split('=')[1] ?? '')
    .filter((name) => portName.test(name) && /[a-z]/.test(name));
  const standIns = [...new Set(names)].map(
    (name, index): DeclaredPort => ({ container: '', name, port: 1 + index, protocol: 'TCP', path: '' }),
  );
  return parseInbound(withNamesResolved(text, standIns));
}

/** An IANA service name, as Kubernetes wants port names. */
const portName = /^[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/;

function withNamesResolved(text: string, ports: readonly DeclaredPort[]): string {
  return text
    .split(',')
    .map((pair) => {
      const [listen = '', target = ''] = pair.split('=', 2);
      const named = ports.find(({ name, protocol }) => name !== '' && name === target && protocol === 'TCP');
      return named === undefined ? pair : `${listen}=${named.port}`;
    })
    .join(',');
}
