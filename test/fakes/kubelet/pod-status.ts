import { type Container, isNativeSidecar, type Pod } from './pod.ts';
import type { ContainerProcess, Exit } from './process.ts';

/** What is known of one container of a running pod. */
export interface ContainerState {
  readonly spec: Container;
  process: ContainerProcess | undefined;
  restarts: number;
  started: boolean;
  ready: boolean;
  exit: Exit | undefined;
  /** What it left in its termination log. */
  message: string;
}

/** A container that has not run yet. */
export const newState = (spec: Container): ContainerState => ({
  spec,
  process: undefined,
  restarts: 0,
  started: false,
  ready: false,
  exit: undefined,
  message: '',
});

export interface PodSituation {
  readonly pod: Pod;
  readonly address: string;
  readonly phase: string;
  readonly isStopping: boolean;
  readonly states: ReadonlyMap<string, ContainerState>;
}

/** Containers that a pod's readiness counts: the application's, and native sidecars. */
const counted = ({ spec }: Pod): readonly Container[] => [
  ...spec.initContainers.filter(isNativeSidecar),
  ...spec.containers,
];

const isReady = ({ pod, phase, isStopping, states }: PodSituation): boolean =>
  phase === 'Running' && !isStopping && counted(pod).every(({ name }) => states.get(name)?.ready === true);

/** Changes when the status is worth writing again. */
export function statusFingerprint(situation: PodSituation): string {
  const { pod, phase, states } = situation;
  return JSON.stringify([
    phase,
    isReady(situation),
    counted(pod).map(({ name }) => [states.get(name)?.restarts, states.get(name)?.ready]),
  ]);
}

/** The pod's `status`, as a kubelet reports it at `now`. */
export function podStatus(situation: PodSituation, now: Date): object {
  const { pod, address, phase } = situation;
  const condition = (type: string, holds: boolean): object => ({
    type,
    status: holds ? 'True' : 'False',
    lastTransitionTime: now.toISOString(),
  });
  const statusOf = (spec: Container): object => containerStatus(spec, situation, now);
  return {
    phase,
    podIP: address,
    podIPs: [{ ip: address }],
    hostIP: '127.0.0.1',
    conditions: [
      condition('Ready', isReady(situation)),
      condition('ContainersReady', isReady(situation)),
      condition('Initialized', phase !== 'Pending'),
    ],
    initContainerStatuses: pod.spec.initContainers.map(statusOf),
    containerStatuses: pod.spec.containers.map(statusOf),
  };
}

function containerStatus(spec: Container, { pod, states }: PodSituation, now: Date): object {
  const { restarts, started, ready, process, exit, message } = states.get(spec.name) ?? newState(spec);
  const ended =
    exit === undefined
      ? undefined
      : { exitCode: exit.code ?? 137, reason: exit.code === 0 ? 'Completed' : 'Error', message };
  const waiting = ended === undefined ? { waiting: { reason: 'ContainerCreating' } } : { terminated: ended };
  return {
    name: spec.name,
    image: spec.image,
    imageID: spec.image,
    containerID: `process://${pod.metadata.uid}-${spec.name}-${restarts}`,
    restartCount: restarts,
    started,
    ready,
    state: process === undefined ? waiting : { running: { startedAt: now.toISOString() } },
  };
}
