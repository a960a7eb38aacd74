import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { ClusterApi } from '../../../runtime/cluster/kubernetes-client.ts';
import { type Pod, podKey, podSchema } from './pod.ts';
import { type PodWorker, startPodWorker } from './pod-worker.ts';
import { killAll } from './process.ts';

/*
 * A stand-in kubelet: it starts each container of the pods bound to its node as a process of its own on this host, from exactly the container
 * spec, volumes and environment that the API server stores.
 *
 * What it honours: container order, native sidecars, startup and readiness probes (HTTP, TCP), restarts, SIGTERM order and grace periods,
 * projected tokens (renewed at 80 % of their life), ConfigMaps, Secrets and the downward API, re-projection within 2 s, termination messages.
 * What it does not: namespaces and cgroups, the uid, read-only root, limits, capabilities, seccomp, NetworkPolicy, exec and gRPC probes,
 * lifecycle hooks, subPath mounts. What one host shares it overrides, and says so for every container.
 */

/** How an image runs here. `command` stands for its entry point; `overrides` are environment variables that one host makes necessary. */
export interface Image {
  readonly command: readonly string[];
  readonly overrides?: (placement: {
    readonly address: string;
    readonly root: string;
  }) => Readonly<Record<string, string>>;
  /** What a container gets from its platform, such as PATH and the API server's address. */
  readonly platformEnvironment: Readonly<Record<string, string>>;
}

export type ImageTable = (image: string) => Image | undefined;

export interface KubeletEvent {
  readonly pod: string;
  readonly text: string;
}

export interface KubeletOptions {
  readonly api: ClusterApi;
  readonly nodeName: string;
  readonly directory: string;
  readonly images: ImageTable;
  /** Milliseconds before restart number `restarts` + 1 of a container; default: at once, then 10 s doubling to 5 min, as the real one. */
  readonly restartDelayMs?: (container: string, restarts: number) => number;
  readonly report?: (event: KubeletEvent) => void;
}

export interface Kubelet {
  readonly logDirectory: string;
  /** The worker of a pod, by `namespace/name`. */
  worker(key: string): PodWorker | undefined;
  workers(): readonly PodWorker[];
  stop(): Promise<void>;
}

const backoffMs = (_container: string, restarts: number): number =>
  restarts === 0 ? 0 : Math.min(10_000 * 2 ** (restarts - 1), 300_000);

/** Whether this system has the whole of 127.0.0.0/8, as Linux does. */
function hasLoopbackRange(): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(0, '127.0.1.1', () => server.close(() => resolve(true)));
  });
}

/** Starts the kubelet of one node and resolves when it watches. */
export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  if (!(await hasLoopbackRange())) {
    throw new Error(
      'this system has 127.0.0.1 only: add aliases for 127.0.1.1 to 127.0.1.30 and 127.96.0.1 to 127.96.0.30 to its loopback interface',
    );
  }
  const { api, nodeName, directory, images } = options;
  const logs = join(directory, 'logs');
  await mkdir(logs, { recursive: true });
  const workers = new Map<string, PodWorker>();
  let over = false;
  const isOver = (): boolean => over;
  let addresses = 0;

  const nextAddress = (): string => {
    addresses += 1;
    return `127.0.${1 + Math.floor(addresses / 250)}.${1 + (addresses % 250)}`;
  };

  function admit(pod: Pod): void {
    const worker = startPodWorker({
      pod,
      address: nextAddress(),
      base: join(directory, 'pods', pod.metadata.uid),
      logs,
      images,
      api,
      restartDelayMs: options.restartDelayMs ?? backoffMs,
      report: options.report ?? (() => undefined),
    });
    workers.set(pod.metadata.uid, worker);
  }

  async function remove(worker: PodWorker, graceSeconds: number): Promise<void> {
    await worker.terminate(graceSeconds);
    workers.delete(worker.pod.metadata.uid);
    const { namespace, name, uid } = worker.pod.metadata;
    await api
      .remove(`/api/v1/namespaces/${namespace}/pods/${name}`, { gracePeriodSeconds: 0, preconditions: { uid } })
      .catch(() => undefined);
  }

  const leaving = new Set<string>();
  function reconcile(pods: readonly Pod[]): void {
    const present = new Set(pods.map(({ metadata }) => metadata.uid));
    for (const pod of pods) {
      const { uid, deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
      const worker = workers.get(uid);
      if (deletionTimestamp !== undefined && worker !== undefined && !leaving.has(uid)) {
        leaving.add(uid);
        void remove(worker, deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds);
      } else if (deletionTimestamp === undefined && worker === undefined && !leaving.has(uid)) {
        admit(pod);
      }
    }
    for (const [uid, worker] of workers) {
      if (!present.has(uid) && !leaving.has(uid)) {
        leaving.add(uid);
        void remove(worker, 1);
      }
    }
  }

  // The list is small and local: asked for four times a second rather than watched, which keeps the stand-in simple.
  async function poll(): Promise<void> {
    while (!isOver()) {
      const list = await api.list(`/api/v1/pods?fieldSelector=spec.nodeName%3D${nodeName}`).catch(() => undefined);
      if (list !== undefined && !isOver()) {
        reconcile(list.items.flatMap((item) => podSchema.safeParse(item).data ?? []));
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
  const polling = poll();
  process.once('exit', killAll);

  return {
    logDirectory: logs,
    worker: (key) => [...workers.values()].find(({ pod }) => podKey(pod) === key),
    workers: () => [...workers.values()],
    async stop() {
      over = true;
      await polling;
      await Promise.all([...workers.values()].map((worker) => worker.terminate(5)));
      killAll();
      process.removeListener('exit', killAll);
    },
  };
}
