import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { RandomBytes } from '../runtime/random.ts';
import type { TrustDomain } from '../spiffe/trust-domain.ts';
import type { AttestedPod } from './attestation/ports.ts';
import { createFirstContact } from './bundles/first-contact.ts';
import type { FirstContactStore, KeyStatus, TrustBundleStore, TrustRecorder } from './bundles/ports.ts';
import { createPropagation, type Propagation } from './bundles/propagation.ts';
import { createPublication, type Publication } from './bundles/publish.ts';
import type { SignerSource } from './issuance/signer.ts';
import { found } from './keys/founding.ts';
import { createHousekeeping } from './keys/housekeeping.ts';
import { stateOf } from './keys/key-schedule.ts';
import type { KeyTimes } from './keys/key-times.ts';
import { createKeyring, type Keyring } from './keys/keyring.ts';
import { ringSigners } from './keys/signers.ts';
import type { AuthorityMetrics } from './metrics.ts';
import { type TrustService, trustService } from './trust-service.ts';

export interface TrustParts {
  readonly trustDomain: TrustDomain;
  readonly times: KeyTimes;
  readonly refreshHintSeconds: number;
  readonly store: TrustBundleStore;
  readonly firstContactStore: FirstContactStore;
  readonly recorder: TrustRecorder;
  readonly isHolder: () => boolean;
  readonly optedIn: () => readonly string[];
  /** Injected pods, as the watch has them. */
  readonly pods: () => readonly AttestedPod[];
  readonly metrics: AuthorityMetrics;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
}

/** Keys, publication and what keeps them, wired together. */
export interface Trust {
  readonly keyring: Keyring;
  readonly signers: SignerSource;
  readonly publication: Publication;
  readonly service: TrustService;
  /** A pod has loaded this sequence. In a hold-down that may be what everybody waits for. */
  acknowledge(podUid: string, sequence: bigint): void;
}

/** Not yet started: `service` founds and keeps it. */
export function createTrust(parts: TrustParts): Trust {
  const { clock, logger, metrics } = parts;
  const keyring = createKeyring();
  const signers = ringSigners(keyring, clock);
  const propagation = createPropagation();
  const publication = createPublication({
    ...parts,
    keyring,
    onForeignEntry: (id) => logger.error({ keyId: id }, 'unendorsed authority in the trust bundle, removed'),
  });
  const acknowledged = (id: string): number => {
    const sequence = publication.firstSequenceOf(id);
    return sequence === undefined ? 0 : propagation.shareOf(runningPods(parts), sequence);
  };
  const watchHoldDown = holdDownWatch(signers, parts);
  let withdrawn: readonly string[] = [];
  const service = trustService({
    ...parts,
    found: async () => {
      const founding = await found({ ...parts, keyring });
      withdrawn = [...founding.stored.withdrawn, ...founding.withdrawn];
      return founding;
    },
    publication,
    housekeeping: createHousekeeping({ ...parts, keyring, acknowledged }),
    firstContact: createFirstContact(parts.firstContactStore),
    status: () => [...statusOf(keyring, clock), ...withdrawn.map((id): KeyStatus => ({ id, state: 'withdrawn' }))],
    beatMs: parts.times.beatMs,
    onBeat() {
      propagation.keepOnly(new Set(parts.pods().map(({ uid }) => uid)));
      report(keyring, publication, propagation, parts);
      watchHoldDown();
      metrics.leaseHeld(parts.isHolder());
    },
  });
  return {
    keyring,
    signers,
    publication,
    service,
    acknowledge(podUid, sequence) {
      propagation.acknowledge(podUid, sequence);
      if (signers.signer().kind === 'hold-down') {
        service.nudge();
      }
    },
  };
}

/** Tells of the beginning and the end of a hold-down, in which every workload is refused: by metric at each look, by log when it changes. */
function holdDownWatch(signers: SignerSource, { metrics, logger }: TrustParts): () => void {
  let wasHolding = false;
  return () => {
    const current = signers.signer();
    const isHolding = current.kind === 'hold-down';
    metrics.holdDown(isHolding);
    if (isHolding && !wasHolding) {
      const seconds = Math.ceil(current.retryAfterSeconds);
      logger.warn({ seconds }, 'hold-down: no workload gets an SVID until the new keys are known everywhere');
    } else if (wasHolding && !isHolding) {
      logger.info({}, 'hold-down is over');
    }
    wasHolding = isHolding;
  };
}

/** Pods that may hold an SVID now: whoever is still starting has none to lose. */
function runningPods({ pods }: TrustParts): readonly string[] {
  return pods()
    .filter(({ phase, isBeingDeleted }) => phase === 'Running' && !isBeingDeleted)
    .map(({ uid }) => uid);
}

function statusOf(keyring: Keyring, clock: Clock): readonly KeyStatus[] {
  const keys = keyring.keys();
  return keys
    .filter(({ isPublished }) => isPublished)
    .map((key) => ({
      id: key.entry.id,
      state: stateOf(key, keys, clock.now()),
      ...(key.activatedAt === undefined ? {} : { activatedAt: key.activatedAt }),
    }));
}

function report(keyring: Keyring, publication: Publication, propagation: Propagation, parts: TrustParts): void {
  const keys = keyring.keys();
  const able = keys.filter(({ privateKey }) => privateKey !== undefined).map(({ entry }) => entry.signUntil);
  const states = keys.map((key) => stateOf(key, keys, parts.clock.now()));
  parts.metrics.keys(states, able.toSorted((a, b) => b.getTime() - a.getTime())[0]);
  const sequence = publication.current()?.sequence ?? 0n;
  parts.metrics.bundle(sequence, propagation.missing(runningPods(parts), sequence));
}
