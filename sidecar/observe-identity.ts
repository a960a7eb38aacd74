import type { AuditEvent } from '../audit/event.ts';
import { type IdentityObserver, type IdentityState, identityStates } from './identity/identity-loop.ts';
import type { SvidStore } from './identity/svid-store.ts';
import type { SidecarMetrics } from './metrics.ts';
import type { TlsContexts } from './tls/contexts.ts';

/** Turns what the identity loop does into metrics and the two events of its decline. */
export function identityObserver(metrics: SidecarMetrics, append: (event: AuditEvent) => void): IdentityObserver {
  showState(metrics, 'starting');
  return {
    state(state, svid, lastReason) {
      showState(metrics, state);
      if (svid !== undefined && (state === 'degraded' || state === 'expired')) {
        append({
          event: state === 'degraded' ? 'identity.degraded' : 'identity.expired',
          outcome: 'info',
          spiffeId: svid.spiffeId.text,
          notAfter: svid.notAfter.toISOString(),
          lastError: lastReason ?? 'none',
        });
      }
    },
    attempt: (outcome) => metrics.svidRotations.inc({ outcome }),
  };
}

/** Keeps the gauges of SVID and contexts. */
export function observeStores(metrics: SidecarMetrics, store: SvidStore, contexts: TlsContexts): void {
  store.onChange(({ svid }) => metrics.svidExpiry.set({ kind: 'x509' }, svid.notAfter.getTime() / 1_000));
  contexts.onChange(({ snapshot }) => metrics.tlsGeneration.set(snapshot.generation));
}

function showState(metrics: SidecarMetrics, state: IdentityState): void {
  for (const known of identityStates) {
    metrics.identityState.set({ state: known }, known === state ? 1 : 0);
  }
}
