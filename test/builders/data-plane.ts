/*
 * A sidecar's two directions with everything real but the authority: sockets on port 0, TLS, relay, journal. Identity, policy and directory are what the test
 * puts in.
 */
import type { AuditEvent } from '../../audit/event.ts';
import { auditEvent } from '../../audit/event.ts';
import type { CompiledAccess, Destination, Endpoint } from '../../authority/client/messages.ts';
import type { Clock } from '../../runtime/clock.ts';
import { systemClock } from '../../runtime/clock.ts';
import { createLogger } from '../../runtime/logger.ts';
import { createRegistry } from '../../runtime/metrics.ts';
import { requireParsed } from '../../runtime/parsed.ts';
import { systemRandom } from '../../runtime/random.ts';
import { createPolicyStore, type PolicyStore } from '../../sidecar/access/policy-store.ts';
import { type Carry, createCarrier } from '../../sidecar/carry.ts';
import { checkReceivedSvid } from '../../sidecar/identity/received-svid.ts';
import { type BundleSet, createSvidStore, type HeldSvid, type SvidStore } from '../../sidecar/identity/svid-store.ts';
import { createInboundLimits, type InboundLimitSettings } from '../../sidecar/inbound/limits.ts';
import { inboundListener } from '../../sidecar/inbound/listener.ts';
import { createJournal, type Journal } from '../../sidecar/journal/journal.ts';
import { createLiveConnections } from '../../sidecar/live-connections.ts';
import { sidecarMetrics } from '../../sidecar/metrics.ts';
import { createEndpointChoice } from '../../sidecar/outbound/endpoint-choice.ts';
import { outboundListener } from '../../sidecar/outbound/listener.ts';
import { createDirectory, type Directory } from '../../sidecar/peers/directory.ts';
import { startSweep } from '../../sidecar/sweep.ts';
import { createTlsContexts, type TlsContexts } from '../../sidecar/tls/contexts.ts';
import { createPeerJudge } from '../../sidecar/tls/peer.ts';
import type { IssueOptions, TestAuthority } from './test-authority.ts';

export interface PlaneOptions {
  readonly authority: TestAuthority;
  /** Such as `/ns/shop/sa/orders`. */
  readonly path: string;
  /** Anchors of every domain this side knows; left out: the authority's own. */
  readonly bundles?: BundleSet;
  readonly access?: CompiledAccess;
  /** Port of the application behind the inbound listener. */
  readonly appPort?: number;
  readonly clock?: Clock;
  readonly limits?: Partial<InboundLimitSettings>;
  readonly times?: Partial<PlaneTimes>;
  readonly issue?: Partial<IssueOptions>;
}

export interface PlaneTimes {
  readonly firstByteTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  readonly appDialTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly halfCloseTimeoutMs: number;
  readonly drainTimeoutMs: number;
}

export interface Plane {
  readonly inboundPort: number;
  readonly store: SvidStore;
  readonly policies: PolicyStore;
  readonly contexts: TlsContexts;
  readonly directory: Directory;
  readonly journal: Journal;
  /** Every audit event so far. */
  readonly events: readonly AuditEvent[];
  /** Gives a new SVID of the same authority, as the identity loop would. */
  rotate(options?: Partial<IssueOptions>): HeldSvid;
  setAccess(access: CompiledAccess): void;
  /** A local door to a destination of these endpoints; gives its port. */
  openDoor(destination: Destination | undefined, options?: { readonly port?: number }): Promise<number>;
  /** The value of a metric whose labels are all given, 0 when it has none. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** Drains both directions. */
  stop(): Promise<void>;
}

const everybody: CompiledAccess = {
  mode: 'enforce',
  rules: [{ policy: 'test/all', ports: null, peers: [{ trustDomain: 'td-a', path: null }], external: false }],
};

/** A policy that lets every id of `trustDomain` in. */
export const openTo = (trustDomain: string, mode: CompiledAccess['mode'] = 'enforce'): CompiledAccess => ({
  mode,
  rules: [{ policy: 'test/all', ports: null, peers: [{ trustDomain, path: null }], external: false }],
});

/** An endpoint of ours at a port of this machine. */
export const endpointAt = (port: number, id: string, change: Partial<Endpoint> = {}): Endpoint => ({
  address: '127.0.0.1',
  port,
  ids: [id],
  ours: true,
  plaintext: false,
  ready: true,
  ...change,
});

/** Starts listening. The caller stops it. */
export async function startPlane(options: PlaneOptions): Promise<Plane> {
  const { authority, path, clock = systemClock, appPort = 9 } = options;
  const times: PlaneTimes = {
    firstByteTimeoutMs: 5_000,
    handshakeTimeoutMs: 10_000,
    appDialTimeoutMs: 2_000,
    idleTimeoutMs: 3_600_000,
    halfCloseTimeoutMs: 300_000,
    drainTimeoutMs: 2_000,
    ...options.times,
  };
  const logger = createLogger({ program: 'sidecar', level: 'silent', write: () => undefined });
  const registry = createRegistry({ program: 'sidecar', version: 'test' });
  const metrics = sidecarMetrics(registry);
  const events: AuditEvent[] = [];
  const journal = createJournal({ append: (event) => events.push(auditEvent.parse(event)), metrics, clock, logger });
  const sweep = startSweep(clock);
  const live = createLiveConnections(clock, sweep);
  const store = createSvidStore();
  const policies = createPolicyStore();
  const bundles = options.bundles ?? authority.bundles;
  const rotate = (issue: Partial<IssueOptions> = {}): HeldSvid => {
    const issued = authority.issue({ path, ...options.issue, ...issue });
    const spiffeId = `spiffe://${authority.trustDomain}${path}`;
    const obtained = { spiffeId, chain: issued.chain, key: issued.key, entryId: undefined, bundles, sequence: 1n };
    const svid = requireParsed(checkReceivedSvid(obtained, authority.trustDomain, clock.now()));
    store.acceptSvid(svid, { bundles, sequence: 1n });
    return svid;
  };
  rotate();
  const contexts = createTlsContexts(store, clock);
  contexts.onChange(({ snapshot }) => live.judgeAgain(snapshot.bundles));
  policies.onChange(({ access }) => live.decideAgain(access));
  let generation = 0;
  const setAccess = (access: CompiledAccess): void => {
    generation += 1;
    policies.accept({ generation, access, networkPolicySeen: true });
  };
  setAccess(options.access ?? everybody);
  const carry: Carry = createCarrier({
    journal,
    live,
    limits: { idleTimeoutMs: times.idleTimeoutMs, halfCloseTimeoutMs: times.halfCloseTimeoutMs, sweep },
    maxConnectionAgeMs: undefined,
    clock,
    random: systemRandom,
  });
  const shared = {
    tls: contexts.current,
    policy: policies.current,
    judge: createPeerJudge((result) => metrics.verdictCache.inc({ result })),
    appHost: '127.0.0.1',
    appDialTimeoutMs: times.appDialTimeoutMs,
    carry,
    journal,
    metrics,
    clock,
    logger,
  };
  const limits = createInboundLimits(
    {
      maxConnections: 2_500,
      connectionsPerSecond: 1e6,
      connectionBurst: 1e6,
      maxHandshakes: 64,
      maxWaitingHandshakes: 1_024,
      maxHandshakesPerAddress: 2_048,
      ...options.limits,
    },
    clock,
  );
  const inbound = inboundListener({
    listenAddress: '127.0.0.1',
    mappings: [{ listen: 0, target: appPort }],
    drainTimeoutMs: times.drainTimeoutMs,
    live,
    connection: {
      ...shared,
      limits,
      firstByteTimeoutMs: times.firstByteTimeoutMs,
      handshakeTimeoutMs: times.handshakeTimeoutMs,
    },
  });
  const known = new Map<string, Destination>();
  const directory: Directory = createDirectory({
    follow(keys) {
      for (const key of keys) {
        const destination = known.get(key);
        if (destination !== undefined) {
          queueMicrotask(() => directory.accept(destination));
        }
      }
      return Promise.resolve();
    },
    clock,
    sweep,
  });
  const doors: { stop: () => Promise<void> }[] = [];
  const openDoor: Plane['openDoor'] = async (destination) => {
    const key = destination?.key ?? 'nobody.nowhere.svc:1';
    if (destination !== undefined) {
      known.set(key, destination);
    }
    const outbound = outboundListener({
      doors: [{ host: '127.0.0.1', port: 0, destination: key }],
      drainTimeoutMs: times.drainTimeoutMs,
      live,
      connection: {
        ...shared,
        directory,
        choice: createEndpointChoice(systemRandom, clock, () => metrics.endpointEjections.inc()),
        localAddress: '127.0.0.1',
        ownPort: () => undefined,
      },
    });
    await outbound.start(new AbortController().signal);
    doors.push({ stop: () => outbound.stop({ remainingMs: () => times.drainTimeoutMs }) });
    return outbound.addresses()[0]?.port ?? 0;
  };
  await inbound.start(new AbortController().signal);
  return {
    inboundPort: inbound.addresses()[0]?.port ?? 0,
    store,
    policies,
    contexts,
    directory,
    journal,
    events,
    rotate,
    setAccess,
    openDoor,
    metric: async (name, labels = {}) => metricIn(await registry.print(), `sallyport_${name}`, labels),
    async stop() {
      const deadline = { remainingMs: () => times.drainTimeoutMs };
      await Promise.all([inbound.stop(deadline), ...doors.map((door) => door.stop())]);
      sweep.stop();
      contexts.stop();
      directory.stop();
    },
  };
}

/** The sum over all series of `name` that have at least these labels. */
export function metricIn(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .filter((line) => Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
