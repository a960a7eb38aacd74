import type { KeyObject } from 'node:crypto';
import type { Cancel } from '../../runtime/clock.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { X509Bundle } from '../../spiffe/trust-bundle.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';

/** Anchors by trust domain. */
export type BundleSet = ReadonlyMap<TrustDomain, X509Bundle>;

/** An SVID that passed every check, with its key. `receivedAt` by the wall clock. */
export interface HeldSvid {
  readonly spiffeId: SpiffeId;
  readonly key: KeyObject;
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** Lower-case hex. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly receivedAt: Date;
  readonly entryId: string | undefined;
}

/** One consistent set of SVID and anchors; never changed, only replaced. `sequence`: of our own domain's bundle. */
export interface IdentitySnapshot {
  readonly generation: number;
  readonly svid: HeldSvid;
  readonly bundles: BundleSet;
  readonly sequence: bigint;
}

/** Anchors as they arrived. */
export interface ReceivedBundles {
  readonly bundles: BundleSet;
  readonly sequence: bigint;
}

/** One writer, many readers. Bundles of a lower sequence than the ones held are ignored, whoever brings them. */
export interface SvidStore {
  current(): IdentitySnapshot | undefined;
  acceptSvid(svid: HeldSvid, received: ReceivedBundles): void;
  /** Ignored before the first SVID. */
  acceptBundles(received: ReceivedBundles): void;
  onChange(listener: (snapshot: IdentitySnapshot) => void): Cancel;
}

/** An empty store. */
export function createSvidStore(): SvidStore {
  const listeners = new Set<(snapshot: IdentitySnapshot) => void>();
  let current: IdentitySnapshot | undefined;
  const publish = (svid: HeldSvid, { bundles, sequence }: ReceivedBundles): void => {
    const snapshot = Object.freeze({ generation: (current?.generation ?? 0) + 1, svid, bundles, sequence });
    current = snapshot;
    for (const listener of listeners) {
      listener(snapshot);
    }
  };
  return {
    current: () => current,
    acceptSvid(svid, received) {
      // Bundles of the same sequence have the same content: the set held stays, so that verdicts about peers stay too.
      publish(svid, current !== undefined && received.sequence <= current.sequence ? current : received);
    },
    acceptBundles(received) {
      if (current !== undefined && received.sequence > current.sequence) {
        publish(current.svid, received);
      }
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
