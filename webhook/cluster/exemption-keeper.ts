import type { AuditLog } from '../../audit/log.ts';
import type { Exemption } from '../../manifests/resources/exemption.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { logKeys } from '../../runtime/log-keys.ts';
import type { Logger } from '../../runtime/logger.ts';
import { loopService } from '../../runtime/loop-service.ts';
import type { Service } from '../../runtime/service.ts';
import { described } from '../admission/audit-events.ts';
import { whyNotValid } from '../policy/exemptions.ts';

const lookMs = 1_000;

/** Every state an exemption can be in: `valid`, or why it is not. */
const states = [
  'valid',
  'not-approved',
  'edited-since-approval',
  'requester-unknown',
  'approver-unknown',
  'self-approved',
  'expired',
] as const;

export interface ExemptionKeeperOptions {
  readonly exemptions: { all(): readonly Exemption[] };
  readonly isLeader: () => boolean;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly observer: {
    exemptions(state: string, count: number): void;
    /** Seconds since the epoch; 0 when none is valid. */
    soonestExpiry(seconds: number): void;
  };
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Counts exemptions by state and records their end: `exemption.expired`, once, by the leader, for each that ended since the last look. Expiry itself needs nobody. */
export function exemptionKeeper(options: ExemptionKeeperOptions): Service {
  const { exemptions, isLeader, audit, observer, clock, logger } = options;
  let lookedAt = clock.now();
  return loopService('exemption keeper', async ({ signal, ready }) => {
    ready();
    while (!signal.aborted) {
      await look();
      await sleep(clock, lookMs, signal);
    }
  });

  async function look(): Promise<void> {
    const now = clock.now();
    const judged = exemptions.all().map((exemption) => ({ exemption, state: whyNotValid(exemption, now) ?? 'valid' }));
    for (const state of states) {
      observer.exemptions(state, judged.filter((each) => each.state === state).length);
    }
    const valid = judged.filter(({ state }) => state === 'valid').map(({ exemption }) => exemption);
    const ends = valid.map(({ spec }) => Date.parse(spec.expiresAt) / 1_000);
    observer.soonestExpiry(ends.length === 0 ? 0 : Math.min(...ends));
    for (const { exemption, state } of judged) {
      if (state === 'expired' && Date.parse(exemption.spec.expiresAt) > lookedAt.getTime() && isLeader()) {
        await recordEnd(exemption);
      }
    }
    lookedAt = now;
  }

  async function recordEnd(exemption: Exemption): Promise<void> {
    try {
      await audit.append({ event: 'exemption.expired', outcome: 'info', ...described(exemption) });
    } catch (error) {
      logger.error({ [logKeys.error]: error }, 'end of an exemption not written to the audit log');
    }
  }
}
