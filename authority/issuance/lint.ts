import type { Certificate } from '../../spiffe/certificate.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';

/** What a lint looks at: the certificate under a throwaway signature, read back, and what it was meant for. */
export interface LintSubject {
  readonly certificate: Certificate;
  readonly anchor: Certificate;
  readonly trustDomain: TrustDomain;
  readonly now: Date;
  /** The longest life allowed, in seconds. */
  readonly ttlSeconds: number;
}

/**
 * A property of every certificate we sign. `id`: the file's name. `source`: the clause behind it. `check` gives what is wrong, in words; an empty list is
 * a pass. A finding is our own bug: nothing is signed.
 */
export interface Lint {
  readonly id: string;
  readonly title: string;
  readonly source: string;
  readonly check: (subject: LintSubject) => readonly string[];
}

/** One row of a lint's table: one tweak away from a good leaf, and the findings it must give. */
export interface LintCase {
  readonly name: string;
  readonly tweak: (subject: LintSubject) => LintSubject;
  readonly findings: readonly string[];
}

/** Changes members of the certificate under judgement. */
export function withCertificate(members: Partial<Certificate>): LintCase['tweak'] {
  return (subject) => ({ ...subject, certificate: { ...subject.certificate, ...members } });
}

/** The texts whose condition holds. */
export function findingsOf(...rows: readonly (readonly [boolean, string])[]): readonly string[] {
  return rows.filter(([isFound]) => isFound).map(([, text]) => text);
}
