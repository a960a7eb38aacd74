import type { AccessMode, CompiledPeer } from '../../authority/client/messages.ts';
import { matchPath } from '../../spiffe/matcher.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { IndexedAccess } from './access-index.ts';

/** Every mode a namespace can be in. */
export const accessModes = ['enforce', 'warn', 'audit'] as const satisfies readonly AccessMode[];

/** Who asks: a proven SPIFFE ID, or a caller that proved nothing. */
export type Caller = SpiffeId | 'plaintext';

/** What policy alone says, whatever the mode. */
export type AccessVerdict =
  | { readonly allowed: true; readonly policy: string }
  | { readonly allowed: false; readonly reason: 'access-denied' | 'plaintext' };

/**
 * What happens: `would-deny` passes, because the namespace only watches, and is recorded with the reason it would be refused for.
 * `policy` names the rule that opened the door.
 */
export type AccessDecision =
  | { readonly outcome: 'allowed'; readonly policy: string }
  | { readonly outcome: 'would-deny'; readonly reason: 'access-denied' | 'plaintext' }
  | { readonly outcome: 'refused'; readonly reason: 'access-denied' | 'plaintext' };

/**
 * Whether `caller` may open a connection to `port`, which is the application's port.
 *
 * Nothing is allowed that no rule opens. The union of all rules counts, in whatever order they come. Trust domains are compared exactly, paths by whole
 * segments. A caller without identity is never let in by a rule here: `external` doors also need proof that it is no meshed pod, which is not this function's.
 * Does not check that the identity is proven.
 */
export function decideAccess(caller: Caller, port: number, access: IndexedAccess): AccessDecision {
  const verdict = judgeAccess(caller, port, access);
  if (verdict.allowed) {
    return { outcome: 'allowed', policy: verdict.policy };
  }
  return { outcome: passesByMode(access.mode) ? 'would-deny' : 'refused', reason: verdict.reason };
}

/** Whether the mode lets pass, and records, what policy would refuse. */
export function passesByMode(mode: AccessMode): boolean {
  return mode !== 'enforce';
}

function judgeAccess(caller: Caller, port: number, access: IndexedAccess): AccessVerdict {
  if (caller === 'plaintext') {
    return { allowed: false, reason: 'plaintext' };
  }
  for (const rules of access.candidates(caller)) {
    const rule = rules.find(
      ({ ports, peers }) => (ports === null || ports.includes(port)) && peers.some((peer) => covers(peer, caller)),
    );
    if (rule !== undefined) {
      return { allowed: true, policy: rule.policy };
    }
  }
  return { allowed: false, reason: 'access-denied' };
}

/** A peer entry without path opens the door to its whole trust domain. */
function covers(peer: CompiledPeer, caller: SpiffeId): boolean {
  return peer.trustDomain === caller.trustDomain && (peer.path === null || matchPath(peer.path, caller.path));
}
