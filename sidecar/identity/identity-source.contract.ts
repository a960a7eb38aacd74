import { createPublicKey } from 'node:crypto';
import { expect, it } from 'vitest';
import { requireParsed } from '../../runtime/parsed.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import { IdentityFailure, type IdentitySource, type ObtainedSvid } from './identity-source.ts';
import { checkReceivedSvid } from './received-svid.ts';
import { createSvidStore, type IdentitySnapshot } from './svid-store.ts';

/** A source that works and one that cannot, of the same kind. */
export interface SourcesUnderTest {
  readonly working: IdentitySource;
  readonly failing: IdentitySource;
  readonly trustDomain: TrustDomain;
}

/** What every source of identity promises; the loop relies on nothing else. */
export function identitySourceContract(sources: () => SourcesUnderTest): void {
  const spki = ({ key }: ObtainedSvid): string =>
    createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('hex');

  it('gives an SVID that stands our own judgement', async () => {
    const { working, trustDomain } = sources();
    const obtained = await working.obtain(undefined);
    expect(checkReceivedSvid(obtained, trustDomain, new Date())).toMatchObject({ ok: true });
  });

  it('gives a new key and a new serial each time, a renewal too', async () => {
    const { working, trustDomain } = sources();
    const first = await working.obtain(undefined);
    const snapshot = snapshotOf(first, trustDomain);
    const second = await working.obtain(snapshot);
    expect(spki(second)).not.toBe(spki(first));
    expect(snapshotOf(second, trustDomain).svid.serial).not.toBe(snapshot.svid.serial);
    expect(second.spiffeId).toBe(first.spiffeId);
  });

  it('fails with a reason, and with nothing but an IdentityFailure', async () => {
    const failure: unknown = await sources()
      .failing.obtain(undefined)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(IdentityFailure);
    expect(failure instanceof IdentityFailure ? failure.reason : '').toMatch(/^[a-z-]+$/);
  });
}

function snapshotOf(obtained: ObtainedSvid, trustDomain: TrustDomain): IdentitySnapshot {
  const store = createSvidStore();
  store.acceptSvid(requireParsed(checkReceivedSvid(obtained, trustDomain, new Date())), obtained);
  const snapshot = store.current();
  if (snapshot === undefined) {
    throw new TypeError('nothing was stored');
  }
  return snapshot;
}
