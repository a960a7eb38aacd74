import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { serialPrefixOf } from '../issuance/serial.ts';
import { type Granted, granted, refuse } from '../refusal.ts';
import type { AttestedPod } from './ports.ts';

/** The SVID a client proved on this connection: verified against our bundle, now. */
export interface CurrentSvid {
  readonly spiffeId: SpiffeId;
  /** Lower-case hex. */
  readonly serial: string;
  readonly notAfter: Date;
}

/** Step 12 of `attest.ts`: a renewal is of the same identity, and its serial names the same pod. */
export function matchCurrentSvid(current: CurrentSvid, spiffeId: SpiffeId, pod: AttestedPod): Granted<undefined> {
  if (current.spiffeId.text !== spiffeId.text) {
    return refuse('svid-mismatch', { detail: 'another id' });
  }
  return namesPod(current.serial, pod.uid) ? granted(undefined) : refuse('svid-mismatch', { detail: 'another pod' });
}

/** Whether a serial of ours was made for this pod. */
export function namesPod(serial: string, podUid: string): boolean {
  return prefixOfSerial(serial) === serialPrefixOf(podUid);
}

/** The half of a serial that names the pod: 8 bytes as hex. A DER integer has no leading zeros, so they are put back. */
export function prefixOfSerial(serial: string): string {
  return serial.padStart(32, '0').slice(0, 16);
}
