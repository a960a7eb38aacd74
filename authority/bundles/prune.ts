import type { KeyEntry } from '../keys/ring-key.ts';

/** Entries of a kind that are never exceeded, whatever happens: a loss in a loop adds two each time. */
export const mostEntries = 16;

export interface Pruned {
  readonly kept: readonly KeyEntry[];
  /** Nothing they signed is valid any more. */
  readonly expired: readonly KeyEntry[];
  /** Given up before their time, because there are too many: those that stopped signing first. Worth an alarm. */
  readonly withdrawn: readonly KeyEntry[];
}

/** Which entries stay, with room for `room` more of each kind. Ids already withdrawn never return. */
export function prune(
  entries: readonly KeyEntry[],
  now: Date,
  room: number,
  withdrawnBefore: readonly string[] = [],
): Pruned {
  const expired = entries.filter(({ notAfter }) => notAfter <= now);
  const live = entries.filter(({ notAfter, id }) => notAfter > now && !withdrawnBefore.includes(id));
  const excess = (['x509', 'jwt'] as const).flatMap((kind) => {
    const ofKind = live.filter((entry) => entry.kind === kind);
    const bySignUntil = ofKind.toSorted((a, b) => a.signUntil.getTime() - b.signUntil.getTime());
    return bySignUntil.slice(0, Math.max(0, ofKind.length + room - mostEntries));
  });
  return { kept: live.filter((entry) => !excess.includes(entry)), expired, withdrawn: excess };
}
