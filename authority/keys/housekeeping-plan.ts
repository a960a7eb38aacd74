import { type Birth, birthOfNext, lacksNext, signer } from './key-schedule.ts';
import type { KeyTimes } from './key-times.ts';
import { activationOf, type RingKey } from './ring-key.ts';

/** One thing to do to the ring. */
export type Chore =
  | { readonly kind: 'make'; readonly birth: Birth }
  | { readonly kind: 'activate'; readonly id: string }
  | { readonly kind: 'drop-private'; readonly id: string }
  | { readonly kind: 'give-up'; readonly id: string }
  | { readonly kind: 'prune'; readonly id: string };

/** `acknowledged`: how much of the mesh has loaded the bundle that first held this key, 0 to 1. */
export interface Household {
  readonly keys: readonly RingKey[];
  readonly now: Date;
  readonly times: KeyTimes;
  readonly acknowledged: (id: string) => number;
}

/** How much of the mesh must know a founder's key before it signs without waiting any longer. */
export const enoughAcknowledged = 0.95;

/**
 * What the ring needs now: prune what nothing valid was signed by, forget private parts past their time, give up what could not be published in time, let
 * a founder's key sign once the mesh knows it, and make the next key where there is none.
 */
export function planChores(household: Household): readonly Chore[] {
  const { keys, now, times } = household;
  const expired = keys.filter(({ entry }) => entry.notAfter <= now);
  const live = keys.filter((key) => !expired.includes(key));
  const spent = live.filter(({ entry, privateKey }) => privateKey !== undefined && entry.signUntil <= now);
  const unpublishable = live.filter(
    ({ entry, isPublished, privateKey }) =>
      privateKey !== undefined && !isPublished && entry.preparedAt.getTime() + times.slackMs <= now.getTime(),
  );
  const remaining = live.filter((key) => !unpublishable.includes(key));
  return [
    ...expired.map(({ entry }): Chore => ({ kind: 'prune', id: entry.id })),
    ...spent.map(({ entry }): Chore => ({ kind: 'drop-private', id: entry.id })),
    ...unpublishable.map(({ entry }): Chore => ({ kind: 'give-up', id: entry.id })),
    ...known(remaining, household).map(({ entry }): Chore => ({ kind: 'activate', id: entry.id })),
    ...successor(remaining, now, times),
  ];
}

/** Founders' keys that wait out the hold-down, and that the mesh knows already. Late keys wait for their predecessor instead. */
function known(keys: readonly RingKey[], { now, times, acknowledged }: Household): readonly RingKey[] {
  return keys.filter(
    (key) =>
      key.privateKey !== undefined &&
      key.isPublished &&
      key.entry.activeFrom.getTime() - key.entry.preparedAt.getTime() <= times.holdDownMs &&
      key.activatedAt === undefined &&
      activationOf(key) > now &&
      acknowledged(key.entry.id) >= enoughAcknowledged,
  );
}

/** With nobody to succeed, the ring is still waiting for its first signer: the next one is there since the founding, or comes with it. */
function successor(keys: readonly RingKey[], now: Date, times: KeyTimes): readonly Chore[] {
  const current = signer(keys, 'x509', now);
  if (!lacksNext(keys, 'x509', now)) {
    return [];
  }
  return [{ kind: 'make', birth: birthOfNext('x509', now, current?.entry, times) }];
}
