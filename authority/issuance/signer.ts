import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../../spiffe/certificate.ts';
import type { SpiffeBundle } from '../../spiffe/trust-bundle.ts';

/** The key that signs now, and the anchor under which others know it. */
export interface CurrentSigner {
  readonly id: string;
  readonly anchor: Certificate;
  readonly privateKey: KeyObject;
}

/** What issuance asks of the keys. */
export interface SignerSource {
  /** The signer for workloads, or why there is none: nobody may sign yet, or the hold-down is not over. */
  signer():
    | { readonly kind: 'signer'; readonly signer: CurrentSigner }
    | { readonly kind: 'hold-down'; readonly retryAfterSeconds: number }
    | { readonly kind: 'none' };
  /** The signer of the authority's own SVID, which the hold-down does not bind. */
  ownSigner(): CurrentSigner | undefined;
}

/** What issuance asks of the publication. */
export interface BundleSource {
  /** The bundle that everybody else sees too, as read back from the object; undefined before the first publication. */
  current(): SpiffeBundle | undefined;
}
