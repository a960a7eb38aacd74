import { type AcceptingService, acceptingService } from '../accepting.ts';
import type { LiveConnections } from '../live-connections.ts';
import type { InboundMapping } from '../settings.ts';
import { type InboundDependencies, serveInbound } from './connection.ts';

export interface InboundListenerOptions {
  readonly listenAddress: string;
  readonly mappings: readonly InboundMapping[];
  readonly drainTimeoutMs: number;
  readonly live: LiveConnections;
  readonly connection: Omit<InboundDependencies, 'isDraining'>;
}

/** Listens on the TLS port of each mapping. On stop new connections are refused and live ones drain. */
export function inboundListener({
  listenAddress,
  mappings,
  drainTimeoutMs,
  live,
  connection,
}: InboundListenerOptions): AcceptingService {
  const dependencies = { ...connection, isDraining: () => service.isDraining() };
  const service: AcceptingService = acceptingService({
    name: 'inbound',
    listens: mappings.map(({ listen, target }) => ({
      host: listenAddress,
      port: listen,
      serve: (socket) => serveInbound(socket, target, dependencies),
    })),
    cut: () => live.cut('inbound'),
    onDrained: (ms) => connection.metrics.drainSeconds.set(ms / 1_000),
    drainTimeoutMs,
    clock: connection.clock,
  });
  return service;
}
