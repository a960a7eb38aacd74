import type { AuditEvent } from './event.ts';

/** `overflow`: more came than could be kept. `not-written`: the segments failed. */
export type LossCause = 'overflow' | 'not-written';

/** Events that no log has, and between which times they were appended. */
export interface Loss {
  readonly cause: LossCause;
  readonly count: number;
  readonly from: Date;
  readonly to: Date;
}

/** What was lost and not yet said, one sum per cause. */
export interface LossTally {
  add(loss: Loss): void;
  /** All of it, to be said; whoever cannot say it adds it again. */
  take(): readonly Loss[];
}

export function createLossTally(): LossTally {
  const losses = new Map<LossCause, Loss>();
  return {
    add(loss) {
      const known = losses.get(loss.cause);
      losses.set(loss.cause, known === undefined ? loss : merged(known, loss));
    },
    take() {
      const taken = [...losses.values()];
      losses.clear();
      return taken;
    },
  };
}

const merged = (a: Loss, b: Loss): Loss => ({
  cause: a.cause,
  count: a.count + b.count,
  from: a.from < b.from ? a.from : b.from,
  to: a.to > b.to ? a.to : b.to,
});

/** The event that says it. */
export const lossNotice = ({ cause, count, from, to }: Loss): AuditEvent => ({
  event: 'audit.events.lost',
  outcome: 'info',
  count,
  from: from.toISOString(),
  to: to.toISOString(),
  cause,
});
