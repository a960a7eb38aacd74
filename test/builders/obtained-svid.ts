import type { ObtainedSvid } from '../../sidecar/identity/identity-source.ts';
import type { IssueOptions, TestAuthority } from './test-authority.ts';

/** An SVID as a source gives it, not yet judged. */
export function obtainedFrom(authority: TestAuthority, options: Partial<IssueOptions> = {}): ObtainedSvid {
  const path = options.path ?? '/ns/shop/sa/web';
  const issued = authority.issue({ ...options, path });
  return {
    spiffeId: `spiffe://${authority.trustDomain}${path}`,
    chain: issued.chain,
    key: issued.key,
    entryId: undefined,
    bundles: authority.bundles,
    sequence: 1n,
  };
}
