import { describe, expect, it } from 'vitest';
import { type PodPorts, planNetworkPolicies, policyName } from './network-policy-plan.ts';

const open = [
  { protocol: 'TCP', port: 8443 },
  { protocol: 'TCP', port: 15490 },
  { protocol: 'UDP', port: 53 },
] as const;
const pod = (namespace: string, label = 'abc'): PodPorts => ({ namespace, label, open });
const enforced = (namespace: string): boolean => namespace !== 'trial';

describe('network policies of capture explicit', () => {
  it('wants one per namespace and port set, that admits the open ports and nothing else', () => {
    const plan = planNetworkPolicies([pod('shop'), pod('shop'), pod('shop', 'def'), pod('bank')], [], enforced);
    expect(plan.apply.map(({ metadata }) => metadata)).toMatchObject([
      { namespace: 'shop', name: 'sallyport-ports-abc' },
      { namespace: 'shop', name: 'sallyport-ports-def' },
      { namespace: 'bank', name: 'sallyport-ports-abc' },
    ]);
    expect(plan.apply[0]?.['spec']).toEqual({
      podSelector: { matchLabels: { 'sallyport.dev/ports': 'abc' } },
      policyTypes: ['Ingress'],
      ingress: [{ ports: open }],
    });
  });

  it('wants none where plaintext still passes', () => {
    expect(planNetworkPolicies([pod('trial')], [], enforced)).toEqual({ apply: [], remove: [] });
  });

  it('leaves a policy alone that is as it should be, and puts a changed one right', () => {
    const held = { namespace: 'shop', name: policyName('abc'), ports: open };
    expect(planNetworkPolicies([pod('shop')], [held], enforced)).toEqual({ apply: [], remove: [] });
    const widened = { ...held, ports: [...open, { protocol: 'TCP', port: 8080 } as const] };
    expect(planNetworkPolicies([pod('shop')], [widened], enforced).apply).toHaveLength(1);
  });

  it('removes a policy with the last pod that needs it, and when the namespace leaves enforce', () => {
    const held = ['shop', 'trial'].map((namespace) => ({ namespace, name: policyName('abc'), ports: open }));
    expect(planNetworkPolicies([pod('trial')], held, enforced).remove).toEqual(held);
  });
});
