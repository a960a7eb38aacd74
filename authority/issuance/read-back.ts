import { X509Certificate } from 'node:crypto';
import { type Certificate, parseCertificate, sameBytes } from '../../spiffe/certificate.ts';
import type { X509Bundle } from '../../spiffe/trust-bundle.ts';
import { verifyX509Svid } from '../../spiffe/x509-path.ts';
import type { LeafProfile } from './profile.ts';

/**
 * Whether a certificate says exactly what was meant, by two readers that know nothing of the writer: undefined, or what differs. Then the chain is
 * verified as its receiver will, against the published bundle.
 */
export function readBack(der: Uint8Array, profile: LeafProfile, bundle: X509Bundle, now: Date): string | undefined {
  const ours = parseCertificate(der);
  if (!ours.ok) {
    return `our reader refuses it: ${ours.problem.message}`;
  }
  const difference = differenceOf(ours.value, profile) ?? differenceByNode(der, profile);
  if (difference !== undefined) {
    return difference;
  }
  const verified = verifyX509Svid([der], new Map([[bundle.trustDomain, bundle]]), now);
  if (!verified.ok) {
    return `it does not verify: ${verified.problem.code}`;
  }
  return verified.value.spiffeId.text === profile.spiffeId.text ? undefined : 'it verifies as somebody else';
}

function differenceOf(certificate: Certificate, profile: LeafProfile): string | undefined {
  const rows: readonly (readonly [boolean, string])[] = [
    [certificate.serial.padStart(32, '0') === profile.serial, 'serial'],
    [certificate.notBefore.getTime() === profile.notBefore.getTime(), 'notBefore'],
    [certificate.notAfter.getTime() === profile.notAfter.getTime(), 'notAfter'],
    [sameBytes(certificate.publicKeySpki, profile.spki), 'public key'],
    [certificate.uris.length === 1 && certificate.uris[0] === profile.spiffeId.text, 'SPIFFE ID'],
  ];
  return rows.find(([isSame]) => !isSame)?.[1];
}

function differenceByNode(der: Uint8Array, profile: LeafProfile): string | undefined {
  const certificate = new X509Certificate(der);
  const rows: readonly (readonly [boolean, string])[] = [
    [certificate.serialNumber.toLowerCase().padStart(32, '0') === profile.serial, 'serial, by Node'],
    [certificate.validToDate.getTime() === profile.notAfter.getTime(), 'notAfter, by Node'],
    [certificate.subjectAltName === `URI:${profile.spiffeId.text}`, 'SPIFFE ID, by Node'],
    [!certificate.ca, 'cA, by Node'],
  ];
  return rows.find(([isSame]) => !isSame)?.[1];
}
