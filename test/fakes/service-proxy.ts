import { connect, createServer, type Server, type Socket } from 'node:net';
import { z } from 'zod';
import type { ClusterApi } from '../../runtime/cluster/kubernetes-client.ts';

/*
 * A stand-in kube-proxy: listens on every Service's ClusterIP and port on this host and joins each connection to one ready endpoint.
 * The endpoint sees the caller's own address, as behind a real one.
 */

const serviceSchema = z.object({
  metadata: z.object({ namespace: z.string(), name: z.string() }),
  spec: z.object({
    clusterIP: z.string().optional(),
    ports: z.array(z.object({ name: z.string().optional(), port: z.int() })).default([]),
  }),
});

const sliceSchema = z.object({
  metadata: z.object({ namespace: z.string(), labels: z.record(z.string(), z.string()).default({}) }),
  ports: z.array(z.object({ name: z.string().nullish(), port: z.int() })).nullish(),
  endpoints: z
    .array(
      z.object({ addresses: z.array(z.string()), conditions: z.object({ ready: z.boolean().nullish() }).optional() }),
    )
    .nullish(),
});

interface Target {
  readonly address: string;
  readonly port: number;
}

export interface ServiceProxy {
  stop(): Promise<void>;
}

function join(client: Socket, target: Target | undefined): void {
  if (target === undefined) {
    client.resetAndDestroy();
    return;
  }
  const local = client.remoteAddress?.startsWith('127.') === true ? { localAddress: client.remoteAddress } : {};
  const upstream = connect({ host: target.address, port: target.port, allowHalfOpen: true, ...local });
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    one.pipe(other);
    one.on('error', () => other.resetAndDestroy());
    one.on('close', () => other.destroyed || one.readableEnded || other.resetAndDestroy());
  }
}

/** Starts proxying every Service with a ClusterIP; follows changes within 200 ms. */
export function startServiceProxy(api: ClusterApi): ServiceProxy {
  const servers = new Map<string, Server>();
  const sockets = new Set<Socket>();
  const targets = new Map<string, readonly Target[]>();
  let turn = 0;
  let stopped = false;

  function listen(key: string, host: string, port: number): void {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: false }, (client) => {
      sockets.add(client);
      client.once('close', () => sockets.delete(client));
      const ready = targets.get(key) ?? [];
      turn += 1;
      join(client, ready[turn % Math.max(1, ready.length)]);
    });
    server.on('error', () => servers.delete(key));
    server.listen(port, host);
    servers.set(key, server);
  }

  async function refresh(): Promise<void> {
    const [services, slices] = await Promise.all([
      api.list('/api/v1/services'),
      api.list('/apis/discovery.k8s.io/v1/endpointslices'),
    ]);
    const parsedSlices = slices.items.flatMap((item) => sliceSchema.safeParse(item).data ?? []);
    const seen = new Set<string>();
    for (const { metadata, spec } of services.items.flatMap((item) => serviceSchema.safeParse(item).data ?? [])) {
      const clusterIP = spec.clusterIP ?? 'None';
      for (const { name, port } of clusterIP.startsWith('127.') ? spec.ports : []) {
        const key = `${clusterIP}:${port}`;
        seen.add(key);
        const own = parsedSlices.filter(
          (slice) =>
            slice.metadata.namespace === metadata.namespace &&
            slice.metadata.labels['kubernetes.io/service-name'] === metadata.name,
        );
        targets.set(
          key,
          own.flatMap(({ ports, endpoints }) => {
            const chosen = (ports ?? []).find((candidate) => (candidate.name ?? '') === (name ?? ''));
            const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
            return chosen === undefined
              ? []
              : ready.flatMap(({ addresses }) => addresses.map((address) => ({ address, port: chosen.port })));
          }),
        );
        if (!servers.has(key)) {
          listen(key, clusterIP, port);
        }
      }
    }
    for (const [key, server] of servers) {
      if (!seen.has(key)) {
        servers.delete(key);
        server.close();
      }
    }
  }

  async function loop(): Promise<void> {
    while (!stopped) {
      await refresh().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  const looping = loop();

  return {
    async stop() {
      stopped = true;
      await looping;
      for (const server of servers.values()) {
        server.close();
      }
      for (const socket of sockets) {
        socket.destroy();
      }
    },
  };
}
