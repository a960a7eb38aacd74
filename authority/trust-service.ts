import { type Clock, sleep } from '../runtime/clock.ts';
import { logKeys } from '../runtime/log-keys.ts';
import type { Logger } from '../runtime/logger.ts';
import { loopService } from '../runtime/loop-service.ts';
import type { Service } from '../runtime/service.ts';
import { printCaPem } from './bundles/bundle-of.ts';
import type { FirstContact } from './bundles/first-contact.ts';
import type { KeyStatus, TrustBundleStore } from './bundles/ports.ts';
import type { Publication } from './bundles/publish.ts';
import { AuthorityProgramFailure } from './failures.ts';
import type { Founding } from './keys/founding.ts';
import type { Housekeeping } from './keys/housekeeping.ts';

export interface TrustServiceParts {
  readonly isHolder: () => boolean;
  readonly found: () => Promise<Founding>;
  readonly publication: Publication;
  readonly housekeeping: Housekeeping;
  readonly firstContact: FirstContact;
  readonly store: Pick<TrustBundleStore, 'writeStatus'>;
  readonly status: () => readonly KeyStatus[];
  readonly optedIn: () => readonly string[];
  /** After each beat: for metrics. */
  readonly onBeat: () => void;
  readonly beatMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The trust loop; `nudge` makes its next beat come at once. */
export interface TrustService extends Service {
  nudge(): void;
}

const doubtMs = 60_000;

/**
 * The keyring's life in this process: found it when the Lease is ours, then at each beat keep the schedule, put the object right and spread the anchors of
 * first contact. Ready once founded and published. A beat that fails is logged and the next one tries again: what signs needs none of it.
 */
export function trustService(parts: TrustServiceParts): TrustService {
  const { clock, logger, beatMs } = parts;
  let wake: () => void = () => undefined;
  let nudged = false;
  const rest = async (signal: AbortSignal): Promise<void> => {
    const waking = new AbortController();
    wake = () => waking.abort();
    if (!nudged) {
      await sleep(clock, beatMs, AbortSignal.any([signal, waking.signal]));
    }
    nudged = false;
  };
  const service = loopService('trust', async ({ signal, ready }) => {
    await foundRing(parts, signal);
    const beat = beater(parts);
    while (!signal.aborted) {
      await beat().catch((error: unknown) => logger.warn({ [logKeys.error]: error }, 'trust beat failed'));
      ready();
      parts.onBeat();
      await rest(signal);
    }
  });
  return {
    ...service,
    nudge() {
      nudged = true;
      wake();
    },
  };
}

async function foundRing(parts: TrustServiceParts, signal: AbortSignal): Promise<void> {
  const { clock, logger, beatMs } = parts;
  while (!signal.aborted) {
    if (parts.isHolder()) {
      try {
        const founding = await parts.found();
        parts.publication.begin(founding.stored);
        logger.info({ inherited: founding.inherited, withdrawn: founding.withdrawn.length }, 'keyring founded');
        return;
      } catch (error) {
        if (error instanceof AuthorityProgramFailure && !error.isRetryable) {
          throw error;
        }
        logger.warn({ [logKeys.error]: error }, 'keyring not founded yet');
      }
    }
    await sleep(clock, Math.min(beatMs, 250), signal);
  }
}

/** One beat, remembering what status it wrote and when it last doubted the ConfigMaps. */
function beater(parts: TrustServiceParts): () => Promise<void> {
  let writtenStatus = '';
  let doubtedAt = parts.clock.monotonicMs();
  const writeStatus = async (): Promise<void> => {
    const status = parts.status();
    const text = JSON.stringify(status);
    if (text !== writtenStatus) {
      await parts.store.writeStatus(status);
      writtenStatus = text;
    }
  };
  return async () => {
    if (!parts.isHolder()) {
      return;
    }
    if (parts.clock.monotonicMs() - doubtedAt >= doubtMs) {
      doubtedAt = parts.clock.monotonicMs();
      parts.firstContact.doubt();
    }
    await parts.housekeeping.beat();
    await parts.publication.reconcile();
    const bundle = parts.publication.current();
    const failed = bundle === undefined ? [] : await parts.firstContact.spread(parts.optedIn(), printCaPem(bundle));
    if (failed.length > 0) {
      parts.logger.warn({ namespaces: failed.length }, 'anchors of first contact not written everywhere');
    }
    await writeStatus();
  };
}
