import { type KeyTimes, validityMs } from './key-times.ts';
import { activationOf, type KeyEntry, type KeyKind, type RingKey } from './ring-key.ts';

/*
 * Who signs, decided from the keys and the time alone: changing over needs no message, no leader and no API server, and two replicas that hold the same
 * keys agree.
 */

export type KeyState = 'next' | 'current' | 'draining';

/**
 * The key that signs at `now`: published, its private part here, active and not past `signUntil`. Among several: of those with full lead the one active
 * last, else the one prepared first; ties go to the smaller id. Undefined when there is none.
 */
export function signer(keys: readonly RingKey[], kind: KeyKind, now: Date): RingKey | undefined {
  const able = keys.filter(
    (key) => key.entry.kind === kind && mayStillSign(key, now) && key.isPublished && activationOf(key) <= now,
  );
  const seasoned = able.filter(({ entry }) => entry.fullLead);
  return seasoned.length > 0
    ? best(seasoned, (key) => -activationOf(key).getTime())
    : best(able, ({ entry }) => entry.preparedAt.getTime());
}

/** Whether the private part is here and its time is not over. */
export function mayStillSign({ entry, privateKey }: RingKey, now: Date): boolean {
  return privateKey !== undefined && now < entry.signUntil;
}

/** `current` signs now, `next` will, `draining` never again. */
export function stateOf(key: RingKey, keys: readonly RingKey[], now: Date): KeyState {
  if (signer(keys, key.entry.kind, now)?.entry.id === key.entry.id) {
    return 'current';
  }
  return mayStillSign(key, now) && activationOf(key) > now ? 'next' : 'draining';
}

/** Whether a key must be made now, so that the current one has a successor. */
export function lacksNext(keys: readonly RingKey[], kind: KeyKind, now: Date): boolean {
  return !keys.some((key) => key.entry.kind === kind && stateOf(key, keys, now) === 'next');
}

/** The schedule of a key that is born with it. */
export type Birth = Pick<KeyEntry, 'kind' | 'preparedAt' | 'activeFrom' | 'signUntil' | 'notAfter' | 'fullLead'>;

/** Of a founder's first key: active at once, or, where others' unexpired anchors exist, only after the hold-down. */
export function birthOfFirst(kind: KeyKind, now: Date, lead: 'none' | 'hold-down', times: KeyTimes): Birth {
  return birth(kind, now, after(now, lead === 'none' ? 0 : times.holdDownMs), times);
}

/**
 * Of the successor of `predecessor`: active a whole period from now, but no later than the predecessor's last signature, and after the hold-down at the
 * earliest. Without full lead it is late, which is worth an alarm.
 */
export function birthOfNext(kind: KeyKind, now: Date, predecessor: KeyEntry | undefined, times: KeyTimes): Birth {
  const wanted = now.getTime() + times.periodMs;
  const latest = predecessor?.signUntil.getTime() ?? wanted;
  const activeFrom = new Date(Math.max(now.getTime() + times.holdDownMs, Math.min(wanted, latest)));
  return birth(kind, now, activeFrom, times);
}

function birth(kind: KeyKind, preparedAt: Date, activeFrom: Date, times: KeyTimes): Birth {
  const signUntil = after(activeFrom, 1.5 * times.periodMs);
  const notAfter = after(signUntil, validityMs(kind, times) + times.clockErrorMs);
  const fullLead = activeFrom.getTime() - preparedAt.getTime() >= times.periodMs;
  return { kind, preparedAt, activeFrom, signUntil, notAfter, fullLead };
}

function after(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms);
}

/** The key with the least rank, of equal ones that with the smaller id. */
function best(keys: readonly RingKey[], rank: (key: RingKey) => number): RingKey | undefined {
  return keys.toSorted((a, b) => rank(a) - rank(b) || (a.entry.id < b.entry.id ? -1 : 1))[0];
}
