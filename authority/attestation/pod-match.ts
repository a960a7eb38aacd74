import { type Granted, granted, refuse } from '../refusal.ts';
import type { AttestedPod, NamespaceFacts } from './ports.ts';
import type { TokenIdentity } from './service-account-token.ts';

/** Steps 8 to 11 of `attest.ts`: the pod the token names exists with that UID, is that account's, alive, on that node, and carries our sidecar. */
export function matchPod(
  identity: TokenIdentity,
  pod: AttestedPod | undefined,
  namespace: NamespaceFacts | undefined,
): Granted<AttestedPod> {
  if (pod === undefined) {
    return refuse('pod-unknown');
  }
  if (pod.uid !== identity.podUid) {
    return refuse('pod-uid-mismatch');
  }
  if (pod.serviceAccount !== identity.serviceAccount || pod.namespace !== identity.namespace) {
    return refuse('service-account-mismatch');
  }
  return judgeLife(pod, namespace, identity);
}

/** Steps 9 (its second half) to 11, which a renewal without review must pass too. */
export function judgeLife(
  pod: AttestedPod,
  namespace: NamespaceFacts | undefined,
  identity: Pick<TokenIdentity, 'nodeName'> = {},
): Granted<AttestedPod> {
  if (pod.isBeingDeleted) {
    return refuse('pod-terminating');
  }
  if (pod.phase !== 'Pending' && pod.phase !== 'Running') {
    return refuse('pod-phase', { detail: pod.phase });
  }
  if (pod.node === undefined) {
    return refuse('node-unknown');
  }
  if (identity.nodeName !== undefined && identity.nodeName !== pod.node) {
    return refuse('node-mismatch');
  }
  return namespace?.isOptedIn === true && pod.isInjected ? granted(pod) : refuse('not-injected');
}

/** Step 13: whether the caller's address is one of the pod's. IPv4 addresses may arrive mapped into IPv6. */
export function isAddressOf(pod: AttestedPod, source: string): boolean {
  const plain = plainAddress(source);
  return pod.addresses.some((address) => plainAddress(address) === plain);
}

/** `::ffff:10.0.0.1` is 10.0.0.1; zones are cut off. */
export function plainAddress(address: string): string {
  const lower = address.toLowerCase().split('%')[0] ?? '';
  return lower.startsWith('::ffff:') && lower.includes('.') ? lower.slice('::ffff:'.length) : lower;
}
