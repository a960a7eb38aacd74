import { type AcceptingService, acceptingService } from '../accepting.ts';
import type { LiveConnections } from '../live-connections.ts';
import { type OutboundDependencies, serveOutbound } from './connection.ts';
import type { LocalDoor } from './explicit.ts';

export interface OutboundListenerOptions {
  readonly doors: readonly LocalDoor[];
  readonly drainTimeoutMs: number;
  readonly live: LiveConnections;
  readonly connection: Omit<OutboundDependencies, 'isDraining'>;
}

/** Listens on every local door; nobody outside the pod reaches them. On stop new connections are refused and live ones drain. */
export function outboundListener({
  doors,
  drainTimeoutMs,
  live,
  connection,
}: OutboundListenerOptions): AcceptingService {
  const dependencies = { ...connection, isDraining: () => service.isDraining() };
  const service: AcceptingService = acceptingService({
    name: 'outbound',
    listens: doors.map((door) => ({
      host: door.host,
      port: door.port,
      serve: (socket) => serveOutbound(socket, door, dependencies),
    })),
    cut: () => live.cut('outbound'),
    onDrained: (ms) => connection.metrics.drainSeconds.set(ms / 1_000),
    drainTimeoutMs,
    clock: connection.clock,
  });
  return service;
}
