import type { KeyObject } from 'node:crypto';
import { Failure } from '../../runtime/failure.ts';
import type { IdentitySnapshot, ReceivedBundles } from './svid-store.ts';

/** An SVID as it was received: nothing in it has been judged yet (`received-svid.ts` does). `spiffeId` is what the source calls it. */
export interface ObtainedSvid extends ReceivedBundles {
  readonly spiffeId: string;
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  readonly key: KeyObject;
  readonly entryId: string | undefined;
}

/** Whoever gives this pod its identity. */
export interface IdentitySource {
  /**
   * A new SVID with a new key. `current`: what is held, whose SVID may have expired meanwhile.
   *
   * Rejects with `IdentityFailure` and nothing else.
   */
  obtain(current: IdentitySnapshot | undefined): Promise<ObtainedSvid>;
}

/** `refused`: the source said no. `unavailable`: it said nothing usable. `not-accepted`: what it gave does not stand our own judgement. */
export type IdentityFailureCode = 'refused' | 'unavailable' | 'not-accepted';

/** Why no identity was obtained. `reason`: one word per cause, shown in log, metric and readiness page. `isFinal`: asking again with the same evidence is no use. */
export class IdentityFailure extends Failure<IdentityFailureCode> {
  override readonly name = 'IdentityFailure';
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  readonly isFinal: boolean;

  constructor(
    code: IdentityFailureCode,
    details: {
      readonly reason: string;
      readonly message?: string;
      readonly retryAfterMs?: number;
      readonly isFinal?: boolean;
      readonly cause?: unknown;
    },
  ) {
    const isFinal = details.isFinal ?? false;
    super(code, details.message ?? `no identity: ${details.reason}`, {
      isRetryable: !isFinal,
      fields: { reason: details.reason },
      ...(details.cause === undefined ? {} : { cause: details.cause }),
    });
    this.reason = details.reason;
    this.retryAfterMs = details.retryAfterMs;
    this.isFinal = isFinal;
  }
}
