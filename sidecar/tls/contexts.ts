import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Cancel, Clock } from '../../runtime/clock.ts';
import { printPem } from '../../spiffe/pem.ts';
import type { BundleSet, HeldSvid, IdentitySnapshot, SvidStore } from '../identity/svid-store.ts';

/** What new connections use: one generation of SVID and anchors, never mixed with another. */
export interface TlsGeneration {
  readonly snapshot: IdentitySnapshot;
  readonly inbound: SecureContext;
  readonly outbound: SecureContext;
}

/** The newest contexts. `onChange` tells when a snapshot has been loaded into them. */
export interface TlsContexts {
  current(): TlsGeneration | undefined;
  onChange(listener: (generation: TlsGeneration) => void): Cancel;
  stop(): void;
}

/** Changes of the store within this time make one new generation. */
const coalesceMs = 100;

/**
 * Builds contexts when the store changes, never per connection: the first at once, later ones after 100 ms in which changes gather. Live connections keep the
 * context they began with.
 */
export function createTlsContexts(store: SvidStore, clock: Clock): TlsContexts {
  const listeners = new Set<(generation: TlsGeneration) => void>();
  let current: TlsGeneration | undefined;
  let pending: Cancel | undefined;
  const build = (): void => {
    pending = undefined;
    const snapshot = store.current();
    if (snapshot !== undefined && snapshot !== current?.snapshot) {
      current = buildGeneration(snapshot);
      for (const listener of listeners) {
        listener(current);
      }
    }
  };
  const cancel = store.onChange(() => {
    if (current === undefined) {
      build();
    } else {
      pending ??= clock.after(coalesceMs, build);
    }
  });
  build();
  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop() {
      cancel();
      pending?.();
    },
  };
}

/** The PEM forms `node:tls` insists on. They exist here and in the client of the authority only, for as long as it takes to build a context. */
export function tlsMaterial(svid: HeldSvid): { readonly certPem: string; readonly keyPem: string } {
  return {
    certPem: svid.chain.map((der) => printPem(der)).join(''),
    keyPem: svid.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function buildGeneration(snapshot: IdentitySnapshot): TlsGeneration {
  const { certPem, keyPem } = tlsMaterial(snapshot.svid);
  // Two contexts, because a session cache or ticket key must never be shared between directions.
  const build = (): SecureContext =>
    createSecureContext({
      cert: certPem,
      key: keyPem,
      ca: anchorsOf(snapshot.bundles),
      allowPartialTrustChain: true,
      minVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
      ecdhCurve: 'X25519MLKEM768:X25519:P-256',
      secureOptions: constants.SSL_OP_NO_TICKET,
    });
  return { snapshot, inbound: build(), outbound: build() };
}

/** The union of all trust domains' anchors, which is why OpenSSL's verdict alone is not enough (`peer.ts`). */
function anchorsOf(bundles: BundleSet): string[] {
  return [...bundles.values()].flatMap(({ authorities }) => authorities.map(({ der }) => printPem(der)));
}
