import type { KeyObject } from 'node:crypto';
import type { RandomBytes } from '../../runtime/random.ts';
import { parseCertificate } from '../../spiffe/certificate.ts';
import type { X509Bundle } from '../../spiffe/trust-bundle.ts';
import { type Granted, granted, refuse } from '../refusal.ts';
import { buildLeaf } from './leaf-template.ts';
import type { LintSubject } from './lint.ts';
import { allLints } from './lints/all-lints.ts';
import { type LeafOrder, type LeafProfile, leafProfile } from './profile.ts';
import { readBack } from './read-back.ts';
import type { CurrentSigner } from './signer.ts';
import { signCertificate } from './tbs.ts';

export interface SvidMaking {
  readonly order: LeafOrder;
  readonly signer: CurrentSigner;
  /** A key that nobody trusts: what is wrong with a certificate is found out under it. */
  readonly throwawayKey: KeyObject;
  readonly bundle: X509Bundle;
  readonly now: Date;
  readonly random: RandomBytes;
}

export interface MadeSvid {
  readonly profile: LeafProfile;
  /** The leaf, DER. */
  readonly der: Uint8Array;
}

/**
 * profile -> throwaway signature -> lints -> the real signature over the identical bytes -> read back and verify. A fault is our own bug (`lint`), and
 * what has one never exists under the real key.
 */
export function makeSvid(making: SvidMaking): Granted<MadeSvid> {
  const { order, signer, throwawayKey, bundle, now, random } = making;
  const profile = leafProfile(order, signer.anchor, now, random);
  const tbs = buildLeaf(profile);
  const trial = parseCertificate(signCertificate(tbs, throwawayKey));
  if (!trial.ok) {
    return refuse('lint', { detail: `canonical-der: ${trial.problem.message}` });
  }
  const subject = {
    certificate: trial.value,
    anchor: signer.anchor,
    trustDomain: bundle.trustDomain,
    now,
    ttlSeconds: order.ttlSeconds,
  };
  const findings = lint(subject);
  if (findings.length > 0) {
    return refuse('lint', { detail: findings.join('; ') });
  }
  const der = signCertificate(tbs, signer.privateKey);
  const difference = readBack(der, profile, bundle, now);
  return difference === undefined ? granted({ profile, der }) : refuse('lint', { detail: `read-back: ${difference}` });
}

/** Every finding of every lint, with the lint's id. */
export function lint(subject: LintSubject): readonly string[] {
  return allLints.flatMap(({ id, check }) => check(subject).map((finding) => `${id}: ${finding}`));
}
