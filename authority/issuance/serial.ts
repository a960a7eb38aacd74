import { createHash } from 'node:crypto';
import type { RandomBytes } from '../../runtime/random.ts';

/**
 * The half of a serial that names the pod: the first 8 bytes of SHA-256 of its UID, top bit cleared, as hex. By it an SVID names its pod without any
 * state. A serial that began with 0x00 would lose that byte in DER; readers pad.
 */
export function serialPrefixOf(podUid: string): string {
  const prefix = createHash('sha256').update(podUid).digest().subarray(0, 8);
  prefix[0] = (prefix[0] ?? 0) & 0x7f;
  return prefix.toString('hex');
}

/** A fresh serial for an SVID of this pod: 16 bytes, positive, as hex of full length. */
export function serialFor(podUid: string, random: RandomBytes): string {
  return serialPrefixOf(podUid) + Buffer.from(random(8)).toString('hex');
}
