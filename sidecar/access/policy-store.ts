import type { CompiledAccess } from '../../authority/client/messages.ts';
import type { Cancel } from '../../runtime/clock.ts';
import { type IndexedAccess, indexAccess } from './access-index.ts';

/** The policy in force. `networkPolicySeen`: the authority has seen the NetworkPolicy that closes this pod's plaintext ports. */
export interface HeldPolicy {
  readonly generation: number;
  readonly access: IndexedAccess;
  readonly networkPolicySeen: boolean;
}

/** A policy as it arrives. */
export interface ReceivedPolicy {
  readonly generation: number;
  readonly access: CompiledAccess;
  readonly networkPolicySeen: boolean;
}

/** The last policy received; one writer (the stream), many readers. While the stream is down it stays in force. */
export interface PolicyStore {
  current(): HeldPolicy | undefined;
  accept(policy: ReceivedPolicy): void;
  onChange(listener: (policy: HeldPolicy) => void): Cancel;
}

/** An empty store: nothing is decided before the first policy came. */
export function createPolicyStore(): PolicyStore {
  const listeners = new Set<(policy: HeldPolicy) => void>();
  let held: HeldPolicy | undefined;
  return {
    current: () => held,
    accept({ generation, access, networkPolicySeen }) {
      const policy = { generation, access: indexAccess(access), networkPolicySeen };
      held = policy;
      for (const listener of listeners) {
        listener(policy);
      }
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
