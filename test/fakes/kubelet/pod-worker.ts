import { mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ClusterApi } from '../../../runtime/cluster/kubernetes-client.ts';
import { environmentOf, expand, type KeyLookup, underRoot } from './environment.ts';
import type { ImageTable, KubeletEvent } from './kubelet.ts';
import { type Container, isNativeSidecar, type Pod, podKey } from './pod.ts';
import { type ContainerState, newState, podStatus, statusFingerprint } from './pod-status.ts';
import { probeOnce } from './probes.ts';
import { type ContainerProcess, type Exit, startProcess } from './process.ts';
import { type PodVolumes, podVolumes } from './volumes.ts';

export interface WorkerOptions {
  readonly pod: Pod;
  readonly address: string;
  readonly base: string;
  readonly logs: string;
  readonly images: ImageTable;
  readonly api: ClusterApi;
  readonly restartDelayMs: (container: string, restarts: number) => number;
  readonly report: (event: KubeletEvent) => void;
}

export interface PodWorker {
  readonly pod: Pod;
  readonly address: string;
  readonly volumes: PodVolumes;
  readonly ended: Promise<void>;
  /** The process of a container now running. */
  processOf(container: string): ContainerProcess | undefined;
  restartsOf(container: string): number;
  /** SIGTERM to the application, then to the native sidecars in reverse; SIGKILL when the grace period is over. */
  terminate(graceSeconds: number): Promise<void>;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs one pod from its spec: volumes, init containers and native sidecars in order, then the application; restarts, probes and status. */
export function startPodWorker(options: WorkerOptions): PodWorker {
  const { pod, address, base, images, api } = options;
  const { namespace, name } = pod.metadata;
  const volumes = podVolumes(pod, address, base, api, () => Date.now());
  const running = new Map<string, ContainerState>();
  let stopping = false;
  const isStopping = (): boolean => stopping;
  let phase = 'Pending';
  let reported = '';

  const report = (text: string): void => options.report({ pod: podKey(pod), text });

  const lookup: KeyLookup = async (kind, object, key) => {
    const found = await api.get(`/api/v1/namespaces/${namespace}/${kind}/${object}`).catch(() => undefined);
    const data = typeof found === 'object' && found !== null && 'data' in found ? found.data : undefined;
    const value = typeof data === 'object' && data !== null ? entryOf(data, key) : undefined;
    if (typeof value !== 'string') {
      return undefined;
    }
    return kind === 'secrets' ? Buffer.from(value, 'base64').toString('utf8') : value;
  };

  /** A root directory whose mount paths are links to the volumes. */
  async function prepareRoot(container: Container): Promise<string> {
    const root = join(base, 'roots', container.name);
    for (const { name: volume, mountPath } of container.volumeMounts ?? []) {
      const target = `${root}${mountPath}`;
      await mkdir(dirname(target), { recursive: true });
      await mkdir(volumes.directoryOf(volume), { recursive: true });
      await rm(target, { force: true });
      await symlink(volumes.directoryOf(volume), target);
    }
    await mkdir(dirname(`${root}${container.terminationMessagePath}`), { recursive: true });
    return root;
  }

  async function launch(state: ContainerState): Promise<void> {
    const { spec } = state;
    const image = images(spec.image);
    if (image === undefined) {
      throw new Error(`no command for image ${spec.image}`);
    }
    const root = await prepareRoot(spec);
    const overrides = image.overrides?.({ address, root }) ?? {};
    const environment = await environmentOf(pod, spec, { address, root }, { environment: overrides }, lookup);
    const written = [...(spec.command ?? image.command), ...(spec.args ?? [])];
    const [file = '', ...args] = written.map((text) => underRoot(expand(text, environment), spec, root));
    state.exit = undefined;
    state.process = startProcess({
      file,
      args,
      environment: { ...environment, ...image.platformEnvironment },
      logFile: join(options.logs, `${namespace}_${name}_${spec.name}.log`),
    });
    const said = Object.entries(overrides).map(([key, value]) => `${key}=${value}`);
    report(
      `container ${spec.name} started (pid ${state.process.pid})${said.length === 0 ? '' : `, overriding ${said.join(' ')}`}`,
    );
  }

  async function awaitProbe(state: ContainerState): Promise<boolean> {
    const probe = state.spec.startupProbe;
    if (probe === undefined) {
      return true;
    }
    for (let failures = 0; failures < probe.failureThreshold && !stopping; failures += 1) {
      if (await probeOnce(probe, state.spec, address)) {
        return true;
      }
      // A second at the real pace; the stand-in looks oftener so that a demo is not made of waiting.
      for (let waited = 0; waited < probe.periodSeconds * 1000 && state.process !== undefined; waited += 100) {
        await pause(100);
        if (await probeOnce(probe, state.spec, address)) {
          return true;
        }
      }
    }
    return false;
  }

  async function watchReadiness(state: ContainerState): Promise<void> {
    const probe = state.spec.readinessProbe;
    let failures = 0;
    while (!stopping && state.process !== undefined) {
      if (probe === undefined || (await probeOnce(probe, state.spec, address))) {
        failures = 0;
        state.ready = state.started;
      } else {
        failures += 1;
        state.ready = state.ready && failures < probe.failureThreshold;
      }
      await publishStatus();
      await pause(state.ready ? Math.min(1000, (probe?.periodSeconds ?? 1) * 1000) : 200);
    }
  }

  /** Keeps a container running, or runs it to its end. Resolves with the last exit. */
  async function run(state: ContainerState, keepsRunning: boolean, onStarted: () => void): Promise<Exit> {
    for (;;) {
      await launch(state);
      const process = state.process;
      void awaitProbe(state).then((passed) => {
        if (state.process !== process || process === undefined) {
          return;
        }
        if (passed) {
          state.started = true;
          onStarted();
          void watchReadiness(state);
        } else if (!stopping) {
          report(`container ${state.spec.name} failed its startup probe`);
          process.kill('SIGTERM');
        }
      });
      const exit = (await process?.ended) ?? { code: 127, signal: null };
      state.process = undefined;
      state.exit = exit;
      state.started = false;
      state.ready = false;
      state.message = await readFile(
        `${join(base, 'roots', state.spec.name)}${state.spec.terminationMessagePath}`,
        'utf8',
      ).catch(() => '');
      const said = state.message === '' ? '' : `: ${state.message.trim().slice(0, 200)}`;
      if (!stopping) {
        report(`container ${state.spec.name} ended (${exit.signal ?? `exit ${exit.code}`})${said}`);
      }
      await publishStatus();
      const failedOnce = exit.code !== 0 && pod.spec.restartPolicy === 'OnFailure';
      if (stopping || !(keepsRunning || failedOnce)) {
        return exit;
      }
      await pause(options.restartDelayMs(state.spec.name, state.restarts));
      if (isStopping()) {
        return exit;
      }
      state.restarts += 1;
    }
  }

  function stateOf(spec: Container): ContainerState {
    const state = newState(spec);
    running.set(spec.name, state);
    return state;
  }

  async function runInitContainers(): Promise<void> {
    for (const spec of pod.spec.initContainers) {
      const state = stateOf(spec);
      if (isNativeSidecar(spec)) {
        await new Promise<void>((resolve, reject) => {
          run(state, true, resolve).then(() => resolve(), reject);
        });
      } else {
        let exit: Exit;
        do {
          exit = await run(state, false, () => undefined);
          if (exit.code !== 0 && !stopping) {
            await pause(1000);
          }
        } while (exit.code !== 0 && !stopping && pod.spec.restartPolicy !== 'Never');
        if (exit.code !== 0) {
          throw new Error(`init container ${spec.name} failed`);
        }
      }
    }
  }

  async function live(): Promise<void> {
    while (!stopping) {
      try {
        await volumes.refresh();
        break;
      } catch (error) {
        report(`waiting for volumes: ${error instanceof Error ? error.message : String(error)}`);
        await pause(500);
      }
    }
    const refreshing = keepVolumesFresh();
    await publishStatus();
    try {
      await runInitContainers();
      if (!stopping) {
        phase = 'Running';
        const keepsRunning = pod.spec.restartPolicy === 'Always';
        const exits = await Promise.all(
          pod.spec.containers.map((spec) => run(stateOf(spec), keepsRunning, () => void publishStatus())),
        );
        phase = exits.every(({ code }) => code === 0) ? 'Succeeded' : 'Failed';
      }
    } catch (error) {
      phase = 'Failed';
      report(error instanceof Error ? error.message : String(error));
    }
    if (!stopping) {
      await stopSidecars(10_000);
    }
    stopping = true;
    await refreshing;
    await publishStatus();
  }

  async function keepVolumesFresh(): Promise<void> {
    while (!stopping) {
      await pause(1000);
      await volumes
        .refresh()
        .catch((error: unknown) => report(`volumes: ${error instanceof Error ? error.message : String(error)}`));
    }
  }

  async function end(state: ContainerState, graceMs: number): Promise<void> {
    const process = state.process;
    if (process === undefined) {
      return;
    }
    process.kill('SIGTERM');
    const timer = setTimeout(() => process.kill('SIGKILL'), graceMs);
    await process.ended;
    clearTimeout(timer);
  }

  async function stopSidecars(graceMs: number): Promise<void> {
    stopping = true;
    for (const spec of pod.spec.initContainers.filter(isNativeSidecar).reverse()) {
      const state = running.get(spec.name);
      if (state !== undefined) {
        await end(state, graceMs);
      }
    }
  }

  async function publishStatus(): Promise<void> {
    const situation = { pod, address, phase, isStopping: stopping, states: running };
    const shown = statusFingerprint(situation);
    if (shown === reported) {
      return;
    }
    reported = shown;
    await api
      .patch(
        `/api/v1/namespaces/${namespace}/pods/${name}/status`,
        { status: podStatus(situation, new Date()) },
        'application/merge-patch+json',
      )
      .catch(() => undefined);
  }

  const ended = live();
  return {
    pod,
    address,
    volumes,
    ended,
    processOf: (container) => running.get(container)?.process,
    restartsOf: (container) => running.get(container)?.restarts ?? 0,
    async terminate(graceSeconds) {
      stopping = true;
      const deadline = Date.now() + graceSeconds * 1000;
      const left = (): number => Math.max(500, deadline - Date.now());
      await publishStatus();
      const plain = [...pod.spec.containers, ...pod.spec.initContainers.filter((spec) => !isNativeSidecar(spec))];
      const states = plain.flatMap((spec) => running.get(spec.name) ?? []);
      await Promise.all(states.map((state) => end(state, left())));
      await stopSidecars(left());
      await ended;
    },
  };
}

function entryOf(data: object, key: string): unknown {
  return Object.entries(data).find(([member]) => member === key)?.[1];
}
