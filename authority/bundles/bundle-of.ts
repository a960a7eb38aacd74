import { type Certificate, parseCertificate } from '../../spiffe/certificate.ts';
import { printPem } from '../../spiffe/pem.ts';
import { type SpiffeBundle, x509Bundle } from '../../spiffe/trust-bundle.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import { findSigningFault } from '../../spiffe/x509-svid.ts';
import type { KeyEntry } from '../keys/ring-key.ts';
import type { StoredBundle } from './ports.ts';

/** The sequence of a stored bundle: it grows with every change of the object's spec, and only then. */
export function sequenceOf({ sequenceBase, generation }: Pick<StoredBundle, 'sequenceBase' | 'generation'>): bigint {
  return sequenceBase + BigInt(generation);
}

/** A base above every sequence that was ever published before `now`, as long as nobody changes the object 65,536 times a second. */
export function freshSequenceBase(now: Date): bigint {
  return BigInt(Math.floor(now.getTime() / 1000)) * 65_536n;
}

/** The SPIFFE bundle that a stored object stands for. Entries that are no anchors are left out. */
export function bundleOf(trustDomain: TrustDomain, stored: StoredBundle): SpiffeBundle {
  return {
    trustDomain,
    x509: x509Bundle(trustDomain, stored.entries.flatMap(anchorsOf)),
    jwtKeys: [],
    sequence: sequenceOf(stored),
    refreshHintSeconds: stored.refreshHintSeconds,
  };
}

/** The anchors as `ca.pem` holds them: they authenticate the authority's endpoint and nobody else. */
export function printCaPem({ x509 }: SpiffeBundle): string {
  return x509.authorities.map(({ der }) => printPem(der)).join('');
}

/** Whether an entry of the object may be taken over: a signing certificate whose key identifier is its id. */
export function isUsableEntry(entry: KeyEntry): boolean {
  const [anchor] = anchorsOf(entry);
  return entry.kind === 'jwt' || Buffer.from(anchor?.subjectKeyId ?? []).toString('hex') === entry.id;
}

function anchorsOf(entry: KeyEntry): readonly Certificate[] {
  const parsed = entry.kind === 'x509' ? parseCertificate(entry.public) : undefined;
  return parsed?.ok === true && findSigningFault(parsed.value) === undefined ? [parsed.value] : [];
}
