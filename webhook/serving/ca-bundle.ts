import { z } from 'zod';
import { authoritiesAnnotation } from './own-lease.ts';

/** How long after its last sign of life a replica's CAs stay trusted. */
const silentMs = 10 * 60 * 1_000;

const lease = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
  spec: z.object({ renewTime: z.string() }),
});

/** One CA certificate in PEM. */
const pemBlock = /-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]{1,8192}-----END CERTIFICATE-----\n/g;

/**
 * The union of the CAs that live replicas have put into their own Leases, in a fixed order so that an unchanged set is an unchanged text. A Lease not renewed for 10
 * minutes no longer counts.
 */
export function caBundleOf(leases: readonly unknown[], now: Date): string {
  const authorities = leases.flatMap((object) => {
    const { data } = lease.safeParse(object);
    const isLive = data !== undefined && now.getTime() - Date.parse(data.spec.renewTime) < silentMs;
    return isLive ? authoritiesIn(data.metadata.annotations[authoritiesAnnotation] ?? '') : [];
  });
  return [...new Set(authorities)].sort((left, right) => (left < right ? -1 : 1)).join('');
}

/** The certificates of a PEM text, each with its end of line. */
export function authoritiesIn(pem: string): readonly string[] {
  return pem.match(pemBlock) ?? [];
}
