import { createHash } from 'node:crypto';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { authorityDomainId, type Workload } from '../../spiffe/workload.ts';

/** The URL namespace of RFC 9562. */
const urlNamespace = '6ba7b811-9dad-11d1-80b4-00c04fd430c8';

/** The id that names a workload in every log, stable over replicas and restarts: UUIDv5 under the trust domain. */
export function entryIdOf(id: SpiffeId, cluster: string, workload: Workload): string {
  const domain = uuidV5(urlNamespace, authorityDomainId(id.trustDomain).text);
  return uuidV5(domain, `${cluster}/${workload.namespace}/${workload.serviceAccount}`);
}

/** RFC 9562, 5.5. `namespace`: a UUID. */
export function uuidV5(namespace: string, name: string): string {
  const digest = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
    .subarray(0, 16);
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x50;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = digest.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
