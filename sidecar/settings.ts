import { accepted, type Parsed, refused } from '../runtime/parsed.ts';
import { defineSettings, type SettingsOf } from '../runtime/settings/define-settings.ts';
import { absolutePath, duration, integer, listOf, oneOf, parsed, text } from '../runtime/settings/kinds.ts';
import { parseSpiffeId } from '../spiffe/spiffe-id.ts';
import { parseTrustDomain } from '../spiffe/trust-domain.ts';

/*
 * PUBLISHED CONTRACT: the injector writes the sidecar's environment from this very table. Settings marked `perPod` may be set by the pod's author with the
 * annotation `sallyport.dev/<name in kebab case>`, within the bounds of their kind; everything else is the operator's.
 */

/** `listen`: the TLS port of the sidecar. `target`: the port of the application behind it, dialled on loopback. */
export interface InboundMapping {
  readonly listen: number;
  readonly target: number;
}

/** `listen`: the local port the application dials. `destination`: who is meant, `<service>.<namespace>.svc:<port>`; also the directory's key. */
export interface OutboundMapping {
  readonly listen: number;
  readonly destination: string;
}

/** Where to dial: a name or address, and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Ports of the sidecar itself: no mapping may use them. */
export const reservedPorts = { first: 15_440, last: 15_499 } as const;

const maximumMappings = 64;
const minute = 60_000;
const hour = 60 * minute;

/** Text `8443=8080,9443=9090`, at most 64 pairs, to mappings. A listening port occurs once, is not reserved and is no port of the application. */
export function parseInbound(value: string): Parsed<readonly InboundMapping[]> {
  const pairs = parsePairs(value);
  if (!pairs.ok) {
    return pairs;
  }
  const mappings: InboundMapping[] = [];
  for (const [listen, right] of pairs.value) {
    const target = parsePort(right);
    if (target === undefined) {
      return mistake('expected <port>=<port>, such as 8443=8080, each from 1 to 65535');
    }
    mappings.push({ listen, target });
  }
  const clash = mappings.find(({ target }) => mappings.some(({ listen }) => listen === target));
  return clash === undefined
    ? accepted(mappings)
    : mistake(`expected a listening port other than the application's ${clash.target}`);
}

/** The text that `parseInbound` reads back. */
export function printInbound(mappings: readonly InboundMapping[]): string {
  return mappings.map(({ listen, target }) => `${listen}=${target}`).join(',');
}

/** Text `5432=db.prod.svc:5432`, at most 64 pairs, to mappings. A listening port occurs once and is not reserved. */
export function parseOutbound(value: string): Parsed<readonly OutboundMapping[]> {
  const pairs = parsePairs(value);
  if (!pairs.ok) {
    return pairs;
  }
  for (const [, destination] of pairs.value) {
    if (!isServiceKey(destination)) {
      return mistake('expected <port>=<service>.<namespace>.svc:<port>, such as 5432=db.prod.svc:5432');
    }
  }
  return accepted(pairs.value.map(([listen, destination]) => ({ listen, destination })));
}

/** The text that `parseOutbound` reads back. */
export function printOutbound(mappings: readonly OutboundMapping[]): string {
  return mappings.map(({ listen, destination }) => `${listen}=${destination}`).join(',');
}

/** Text `name:443`, `10.0.0.1:443` or `[::1]:443`. Does not resolve anything. */
export function parseHostPort(value: string): Parsed<HostPort> {
  const colon = value.lastIndexOf(':');
  const port = parsePort(value.slice(colon + 1));
  const left = value.slice(0, Math.max(0, colon));
  const isBracketed = left.startsWith('[') && left.endsWith(']');
  const host = isBracketed ? left.slice(1, -1) : left;
  if (port === undefined || host === '' || host.length > 253 || host.includes(':') !== isBracketed || hasSpace(host)) {
    return mistake('expected <host>:<port>');
  }
  return accepted({ host, port });
}

/** The text that `parseHostPort` reads back. */
export function printHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The sidecar's settings, each with what it means. Times are milliseconds inside and text such as `10s` outside. */
export const sidecarSettings = defineSettings({
  trustDomain: parsed(parseTrustDomain, (name) => name).meta({
    description: 'Trust domain of this cluster: whose SVID the sidecar holds and whose bundle judges the authority.',
    example: 'prod.example',
  }),
  authorityAddress: parsed(parseHostPort, printHostPort).meta({
    description: 'Where the authority answers; its identity is proven by `authorityId`, never by its name.',
    example: 'sallyport-authority.sallyport-system.svc:8443',
  }),
  authorityId: parsed(parseSpiffeId, (id) => id.text).meta({
    description: 'SPIFFE ID the authority must prove before the token is shown to it.',
    example: 'spiffe://prod.example/ns/sallyport-system/sa/sallyport-authority',
  }),
  tokenFile: absolutePath()
    .default('/var/run/secrets/sallyport/token')
    .meta({ description: 'Projected, pod-bound service-account token; read anew at every use.' }),
  trustBundleFile: absolutePath()
    .default('/var/run/secrets/sallyport/ca.pem')
    .meta({ description: 'Anchors that authenticate the authority, and nobody else, at first contact.' }),
  podName: text().meta({ description: 'Own pod (downward API).', example: 'orders-6c9f-x2x7q' }),
  podNamespace: text().meta({ description: 'Own namespace (downward API).', example: 'shop' }),
  podUid: text().meta({ description: 'Own pod UID (downward API).', example: 'f6b0c1de-0000-4000-8000-000000000000' }),
  nodeName: text().meta({ description: 'Own node (downward API).', example: 'node-1' }),
  capture: oneOf(['explicit'])
    .default('explicit')
    .meta({ description: 'How traffic reaches the sidecar: `explicit` by declared ports, without any privilege.' }),
  inbound: parsed(parseInbound, printInbound)
    .default([])
    .meta({ description: 'TLS port of the sidecar = port of the application.', example: '8443=8080,9443=9090' }),
  outbound: parsed(parseOutbound, printOutbound)
    .default([])
    .meta({ description: 'Local port = Service port it leads to.', example: '5432=db.prod.svc:5432' }),
  listenAddress: text().default('::').meta({
    description: 'Address of inbound and admin listeners; unless it is a wildcard, also the source of dials.',
  }),
  loopbackAddress: listOf(text())
    .default(['127.0.0.1', '::1'])
    .meta({ description: 'Addresses of outbound listeners; the first is where the application is dialled.' }),
  adminPort: integer({ min: 1, max: 65_535 })
    .default(15_490)
    .meta({ description: 'Port of `/started`, `/ready` and `/metrics`, plain HTTP, nothing secret.' }),
  x509Ttl: duration({ min: 10_000, max: 24 * hour })
    .optional()
    .meta({
      description: 'Lifetime asked for; the authority only lowers its own limit to it.',
      example: '1h',
      perPod: true,
    }),
  firstByteTimeout: duration({ min: 100, max: minute })
    .default(5_000)
    .meta({ description: 'From accept to the first byte of a peer.' }),
  handshakeTimeout: duration({ min: 100, max: 2 * minute })
    .default(10_000)
    .meta({ description: 'The whole handshake of a peer, judgement included.' }),
  appDialTimeout: duration({ min: 10, max: minute }).default(2_000).meta({ description: 'Dial to the application.' }),
  idleTimeout: duration({ min: 0, max: 7 * 24 * hour })
    .default(hour)
    .meta({ description: 'Silence in both directions after which a connection is reset; 0 is off.', perPod: true }),
  halfCloseTimeout: duration({ min: 0, max: 24 * hour })
    .default(5 * minute)
    .meta({ description: 'Silence of a half-closed connection after which it is reset; 0 is off.', perPod: true }),
  drainTimeout: duration({ min: 0, max: hour })
    .default(20_000)
    .meta({ description: 'What live connections get to end by themselves after SIGTERM.', perPod: true }),
  maxConnectionAge: duration({ min: 1_000, max: 24 * hour })
    .optional()
    .meta({
      description: 'Longest life of a connection, besides that of the SVIDs it was made with.',
      example: '1h',
      perPod: true,
    }),
  startTimeout: duration({ min: 1_000, max: hour })
    .default(minute)
    .meta({ description: 'From start to ready; then the sidecar exits with the reason.' }),
  terminationLogFile: absolutePath()
    .default('/dev/termination-log')
    .meta({ description: 'Where the reason of a failed start is left for the kubelet.' }),
  logLevel: oneOf(['debug', 'info', 'warn', 'error'])
    .default('info')
    .meta({ description: 'Least severe log line that is written.', perPod: true }),
  maxHandshakes: integer({ min: 1, max: 4_096 })
    .default(64)
    .meta({ description: 'Inbound handshakes under way at once.' }),
  maxWaitingHandshakes: integer({ min: 0, max: 65_536 })
    .default(256)
    .meta({ description: 'Accepted connections that wait for their handshake.' }),
  maxHandshakesPerAddress: integer({ min: 1, max: 4_096 })
    .default(32)
    .meta({ description: 'Handshakes under way or waiting per source address.' }),
  connectionsPerSecond: integer({ min: 1, max: 1_000_000 })
    .default(200)
    .meta({ description: 'New inbound connections per second and source address.' }),
  connectionBurst: integer({ min: 1, max: 1_000_000 })
    .default(400)
    .meta({ description: 'New inbound connections that one source address may open at once.' }),
  memoryLimitBytes: integer({ min: 96 * 1024 * 1024, max: 2 ** 40 })
    .default(256 * 1024 * 1024)
    .meta({ description: 'Memory limit of the container in bytes; open connections are bounded by it.' }),
});

/** Every setting, frozen. */
export type SidecarSettings = SettingsOf<typeof sidecarSettings>;

function mistake(message: string): ReturnType<typeof refused> {
  return refused({ code: 'invalid-mapping', message });
}

/** Splits `port=right,...`; each left side is a port of our own choice, so it is neither reserved nor taken twice. */
function parsePairs(value: string): Parsed<readonly (readonly [number, string])[]> {
  if (value === '') {
    return accepted([]);
  }
  const parts = value.split(',');
  if (parts.length > maximumMappings) {
    return mistake(`expected at most ${maximumMappings} mappings`);
  }
  const pairs: (readonly [number, string])[] = [];
  for (const part of parts) {
    const [left = '', right = ''] = part.split('=', 2);
    const listen = parsePort(left);
    if (listen === undefined || part.split('=').length !== 2) {
      return mistake('expected <port>=<target>, such as 8443=8080');
    }
    if (listen >= reservedPorts.first && listen <= reservedPorts.last) {
      return mistake(
        `expected listening ports outside ${reservedPorts.first} to ${reservedPorts.last}, which are reserved`,
      );
    }
    if (pairs.some(([taken]) => taken === listen)) {
      return mistake(`expected port ${listen} to be mapped once`);
    }
    pairs.push([listen, right]);
  }
  return accepted(pairs);
}

/** Decimal without sign, blank or leading zero, 1 to 65535. */
function parsePort(value: string): number | undefined {
  return /^[1-9][0-9]{0,4}$/.test(value) && Number(value) <= 65_535 ? Number(value) : undefined;
}

/** `<service>.<namespace>.svc:<port>`, both names DNS labels. */
function isServiceKey(value: string): boolean {
  const match = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.svc:([0-9]{1,5})$/.exec(
    value,
  );
  return match !== null && parsePort(match[3] ?? '') !== undefined;
}

function hasSpace(value: string): boolean {
  return /\s/.test(value);
}
