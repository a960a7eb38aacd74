import { passesByMode } from '../access/decide.ts';
import type { HeldPolicy } from '../access/policy-store.ts';
import type { IdentityState } from '../identity/identity-loop.ts';

/** One condition of readiness. `detail`: a closed word, never a secret. */
export interface Check {
  readonly id: 'identity' | 'access-policy' | 'network-policy' | 'services';
  readonly isGood: boolean;
  readonly detail: string;
}

/** What readiness depends on. */
export interface Condition {
  readonly identity: IdentityState;
  readonly identityReason: string | undefined;
  readonly policy: HeldPolicy | undefined;
  /** Whether any port of the application is closed by a NetworkPolicy at all. */
  readonly hasInbound: boolean;
  readonly areServicesReady: boolean;
}

/** Every condition, in the order in which they come true. */
export function readinessChecks(condition: Condition): readonly Check[] {
  const { identity, identityReason, policy, hasInbound, areServicesReady } = condition;
  const needsNetworkPolicy = policy !== undefined && !passesByMode(policy.access.mode) && hasInbound;
  const isHeld = identity === 'held' || identity === 'degraded';
  return [
    {
      id: 'identity',
      isGood: isHeld,
      detail: identityReason === undefined ? identity : `${identity}: ${identityReason}`,
    },
    {
      id: 'access-policy',
      isGood: policy !== undefined,
      detail: policy === undefined ? 'none received' : policy.access.mode,
    },
    {
      id: 'network-policy',
      isGood: !needsNetworkPolicy || policy.networkPolicySeen,
      detail: needsNetworkPolicy ? (policy.networkPolicySeen ? 'seen' : 'not seen') : 'not needed',
    },
    { id: 'services', isGood: areServicesReady, detail: areServicesReady ? 'ready' : 'not ready' },
  ];
}

/** Those that are not good, as a person reads them. */
export function describeUnready(checks: readonly Check[]): string {
  return checks
    .filter(({ isGood }) => !isGood)
    .map(({ id, detail }) => `${id} (${detail})`)
    .join(', ');
}
