import type { AttestedPod, NamespaceFacts } from '../../authority/attestation/ports.ts';

/** An injected, running pod `web-1` of `prod/web` on node-1. */
export function attestedPod(tweak: Partial<AttestedPod> = {}): AttestedPod {
  return {
    uid: '7151bf15-685f-4238-b816-8f9be006a7fb',
    namespace: 'prod',
    name: 'web-1',
    serviceAccount: 'web',
    node: 'node-1',
    phase: 'Running',
    addresses: ['10.0.0.7'],
    isBeingDeleted: false,
    isInjected: true,
    labels: { app: 'web' },
    inbound: new Map([[8080, 8443]]),
    containerPorts: [{ name: 'http', port: 8080 }],
    imageDigests: [],
    ...tweak,
  };
}

/** An opted-in namespace `prod` in `enforce`. */
export function namespaceFacts(tweak: Partial<NamespaceFacts> = {}): NamespaceFacts {
  return { name: 'prod', isOptedIn: true, mode: 'enforce', isBeingDeleted: false, ...tweak };
}

/** A token of the right shape with these claims; nobody signed it. */
export function unsignedToken(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part(claims)}.c2lnbmF0dXJl`;
}
