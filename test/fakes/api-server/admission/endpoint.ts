import { isObject, type JsonObject, numberAt, objectAt, objectsAt, textAt, textsAt } from '../json.ts';
import type { Services } from '../services.ts';

/** Where a webhook is reached: what to dial, which name its certificate must bear, what the URL says. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly serverName: string;
  /** `https://svc.ns.svc:443/path`, as the real server prints it. */
  readonly url: URL;
  readonly caPem: string | undefined;
}

/** The endpoint of a `clientConfig`: its `url`, or a ready endpoint of its Service. Throws `Error` with the real server's words where there is none. */
export function endpointOf({ store }: Pick<Services, 'store'>, clientConfig: JsonObject): Endpoint {
  const bundle = textAt(clientConfig, 'caBundle');
  const caPem = bundle === '' ? undefined : Buffer.from(bundle, 'base64').toString();
  const direct = textAt(clientConfig, 'url');
  if (direct !== '') {
    const url = new URL(direct);
    return {
      address: url.hostname.replaceAll(/[[\]]/g, ''),
      port: Number(url.port === '' ? '443' : url.port),
      serverName: url.hostname,
      url,
      caPem,
    };
  }
  const service = objectAt(clientConfig, 'service');
  const [namespace, name, path] = [textAt(service, 'namespace'), textAt(service, 'name'), textAt(service, 'path')];
  const port = numberAt(service, 'port') ?? 443;
  const serverName = `${name}.${namespace}.svc`;
  const url = new URL(`https://${serverName}:${port}${path.startsWith('/') ? path : `/${path}`}`);
  return { ...readyEndpoint(store, namespace, name, port), serverName, url, caPem };
}

function readyEndpoint(
  store: Services['store'],
  namespace: string,
  name: string,
  port: number,
): Pick<Endpoint, 'address' | 'port'> {
  const service = store.get({ group: '', plural: 'services' }, namespace, name);
  if (service === undefined) {
    throw new Error(`service "${name}" not found`);
  }
  const declared = objectsAt(service, 'spec', 'ports').find((candidate) => numberAt(candidate, 'port') === port);
  if (declared === undefined) {
    throw new Error(`no service port ${port} found for service "${name}"`);
  }
  const slices = store
    .list({ group: 'discovery.k8s.io', plural: 'endpointslices' }, namespace)
    .filter((slice) => textAt(slice, 'metadata', 'labels', 'kubernetes.io/service-name') === name);
  const found = slices.flatMap((slice) => readyOf(slice, textAt(declared, 'name')))[0];
  if (found === undefined) {
    throw new Error(`no endpoints available for service "${name}"`);
  }
  return found;
}

function readyOf(slice: JsonObject, portName: string): readonly Pick<Endpoint, 'address' | 'port'>[] {
  const port = objectsAt(slice, 'ports').find((candidate) => textAt(candidate, 'name') === portName);
  const number = numberAt(port, 'port');
  if (!isObject(port) || number === undefined) {
    return [];
  }
  return objectsAt(slice, 'endpoints')
    .filter((endpoint) => objectAt(endpoint, 'conditions')['ready'] !== false)
    .flatMap((endpoint) => textsAt(endpoint, 'addresses').map((address) => ({ address, port: number })));
}
