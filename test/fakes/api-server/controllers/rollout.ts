import { type JsonObject, numberAt, objectAt, textAt, valueAt } from '../json.ts';

/** A ReplicaSet of a Deployment as the rollout sees it. */
export interface Share {
  readonly name: string;
  readonly isNew: boolean;
  /** Asked for. */
  readonly replicas: number;
  readonly available: number;
  /** Pods that exist, whatever their state. */
  readonly present: number;
}

/** How far a Deployment may stray from its replicas while it rolls. */
export interface Strategy {
  readonly replicas: number;
  readonly isRecreate: boolean;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** The strategy of a defaulted Deployment; percentages round up for surge and down for unavailable, and never both to zero. */
export function strategyOf(deployment: JsonObject): Strategy {
  const replicas = numberAt(deployment, 'spec', 'replicas') ?? 1;
  const rolling = objectAt(deployment, 'spec', 'strategy', 'rollingUpdate');
  const maxSurge = amount(valueAt(rolling, 'maxSurge'), replicas, Math.ceil);
  const maxUnavailable = amount(valueAt(rolling, 'maxUnavailable'), replicas, Math.floor);
  return {
    replicas,
    isRecreate: textAt(deployment, 'spec', 'strategy', 'type') === 'Recreate',
    maxSurge,
    maxUnavailable: maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable,
  };
}

/** The replicas each share should ask for now: one step, taken again whenever something changed, until only the new share is left. */
export function nextReplicas(strategy: Strategy, shares: readonly Share[]): ReadonlyMap<string, number> {
  const fresh = shares.find((share) => share.isNew);
  const old = shares.filter((share) => !share.isNew);
  if (strategy.isRecreate) {
    const isClear = old.every((share) => share.present === 0);
    return new Map([
      ...old.map((share): [string, number] => [share.name, 0]),
      ...(fresh === undefined ? [] : [[fresh.name, isClear ? strategy.replicas : fresh.replicas] as const]),
    ]);
  }
  return new Map([...grownNew(strategy, fresh, shares), ...shrunkOld(strategy, fresh, old)]);
}

function grownNew(
  strategy: Strategy,
  fresh: Share | undefined,
  shares: readonly Share[],
): readonly (readonly [string, number])[] {
  if (fresh === undefined) {
    return [];
  }
  const room = strategy.replicas + strategy.maxSurge - sum(shares, 'replicas');
  const grown = fresh.replicas + Math.max(0, Math.min(room, strategy.replicas - fresh.replicas));
  return [[fresh.name, Math.min(grown, strategy.replicas)]];
}

/**
 * Old pods go as long as enough stay that serve. What is asked for bounds it too: availability as reported lags behind the scaling down that was
 * just decided, what is asked for does not.
 */
function shrunkOld(
  strategy: Strategy,
  fresh: Share | undefined,
  old: readonly Share[],
): readonly (readonly [string, number])[] {
  const minimum = strategy.replicas - strategy.maxUnavailable;
  const waitedFor = Math.max(0, (fresh?.replicas ?? 0) - (fresh?.available ?? 0));
  let room = Math.max(0, sum(old, 'replicas') + (fresh?.replicas ?? 0) - minimum - waitedFor);
  let spare = Math.max(0, sum(old, 'available') + (fresh?.available ?? 0) - minimum);
  return old.map((share) => {
    // What serves nobody goes first, and costs nothing but room.
    const idle = Math.min(Math.max(0, share.replicas - share.available), room);
    const taken = Math.min(share.replicas - idle, spare, room - idle);
    room -= idle + taken;
    spare -= taken;
    return [share.name, share.replicas - idle - taken] as const;
  });
}

function sum(shares: readonly Share[], member: 'replicas' | 'available'): number {
  return shares.reduce((total, share) => total + share[member], 0);
}

function amount(value: unknown, replicas: number, round: (value: number) => number): number {
  if (typeof value === 'number') {
    return value;
  }
  const percent = typeof value === 'string' && value.endsWith('%') ? Number(value.slice(0, -1)) : 25;
  return round((replicas * percent) / 100);
}
