import type { AttestedPod, NamespaceMode } from '../attestation/ports.ts';
import { marks } from '../marks.ts';

/** What is kept of a NetworkPolicy: where it is, and which pods it selects. */
export interface NetworkPolicyFacts {
  readonly namespace: string;
  readonly name: string;
  readonly podLabels: Readonly<Record<string, string>>;
}

/**
 * Whether the NetworkPolicy that closes a pod's plaintext ports is in place. In `enforce` a sidecar is not ready before. A pod without declared ports has
 * nothing to wait for; in `audit` and `warn` nothing is closed.
 */
export function isNetworkPolicySeen(
  pod: Pick<AttestedPod, 'namespace' | 'labels'>,
  mode: NamespaceMode,
  policies: readonly NetworkPolicyFacts[],
): boolean {
  const digest = pod.labels[marks.ports];
  return (
    mode !== 'enforce' ||
    digest === undefined ||
    policies.some(({ namespace, podLabels }) => namespace === pod.namespace && podLabels[marks.ports] === digest)
  );
}
