import { networkInterfaces } from 'node:os';
import type { Endpoint } from '../authority/client/messages.ts';
import type { AcceptingService } from './accepting.ts';
import { accessModes } from './access/decide.ts';
import { isWildcard, plainAddress } from './addresses.ts';
import { createCarrier } from './carry.ts';
import type { Control } from './compose-control.ts';
import { connectionsWithin, createInboundLimits } from './inbound/limits.ts';
import { inboundListener } from './inbound/listener.ts';
import type { Journal } from './journal/journal.ts';
import { createLiveConnections } from './live-connections.ts';
import type { SidecarMetrics } from './metrics.ts';
import { createEndpointChoice } from './outbound/endpoint-choice.ts';
import { localDoors } from './outbound/explicit.ts';
import { outboundListener } from './outbound/listener.ts';
import type { SidecarSettings } from './settings.ts';
import type { SidecarParts } from './sidecar.ts';
import type { Sweep } from './sweep.ts';
import { createPeerJudge } from './tls/peer.ts';

/** Both directions, ready to be started. */
export interface DataPlane {
  readonly inbound: AcceptingService;
  readonly outbound: AcceptingService;
}

/** Wires both listeners, and what ends their connections when policy or trust changes. */
export function composeDataPlane(
  { settings, clock, random, logger }: SidecarParts,
  { contexts, policies, directory }: Control,
  journal: Journal,
  metrics: SidecarMetrics,
  sweep: Sweep,
): DataPlane {
  const live = createLiveConnections(clock, sweep);
  const { idleTimeout: idleTimeoutMs, halfCloseTimeout: halfCloseTimeoutMs, drainTimeout: drainTimeoutMs } = settings;
  const carry = createCarrier({
    journal,
    live,
    limits: { idleTimeoutMs, halfCloseTimeoutMs, sweep },
    maxConnectionAgeMs: settings.maxConnectionAge,
    clock,
    random,
  });
  const limits = createInboundLimits(
    { ...settings, maxConnections: connectionsWithin(settings.memoryLimitBytes) },
    clock,
  );
  const shared = {
    tls: contexts.current,
    policy: policies.current,
    judge: createPeerJudge((result) => metrics.verdictCache.inc({ result })),
    appHost: settings.loopbackAddress[0] ?? '127.0.0.1',
    appDialTimeoutMs: settings.appDialTimeout,
    carry,
    journal,
    metrics,
    clock,
    logger,
  };
  policies.onChange(({ access, generation }) => {
    metrics.policyGeneration.set(generation);
    for (const mode of accessModes) {
      metrics.accessMode.set({ mode }, mode === access.mode ? 1 : 0);
    }
    live.decideAgain(access);
  });
  contexts.onChange(({ snapshot }) => live.judgeAgain(snapshot.bundles));
  return {
    inbound: inboundListener({
      listenAddress: settings.listenAddress,
      mappings: settings.inbound,
      drainTimeoutMs,
      live,
      connection: {
        ...shared,
        limits,
        firstByteTimeoutMs: settings.firstByteTimeout,
        handshakeTimeoutMs: settings.handshakeTimeout,
      },
    }),
    outbound: outboundListener({
      doors: localDoors(settings.outbound, settings.loopbackAddress),
      drainTimeoutMs,
      live,
      connection: {
        ...shared,
        directory,
        choice: createEndpointChoice(random, clock, () => metrics.endpointEjections.inc()),
        localAddress: isWildcard(settings.listenAddress) ? undefined : settings.listenAddress,
        ownPort: (endpoint) => ownPort(endpoint, settings),
      },
    }),
  };
}

/** The application's port behind an endpoint that is this very pod. */
function ownPort({ address, port }: Endpoint, { listenAddress, inbound }: SidecarSettings): number | undefined {
  const own = isWildcard(listenAddress)
    ? Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map((entry) => entry.address))
    : [listenAddress];
  const mapping = inbound.find(({ listen }) => listen === port);
  return mapping !== undefined && own.includes(plainAddress(address)) ? mapping.target : undefined;
}
