import { describe, expect, it } from 'vitest';
import { type AccessPolicy, parseAccessPolicy } from '../../manifests/resources/access-policy.ts';
import { requireParsed } from '../../runtime/parsed.ts';
import { requireTrustDomain } from '../../spiffe/trust-domain.ts';
import { attestedPod } from '../../test/builders/attested-pod.ts';
import { parseIdTemplate } from '../entitlement/id-template.ts';
import { compileAccess } from './compile-access.ts';
import { isNetworkPolicySeen } from './network-policy-seen.ts';

const template = requireParsed(parseIdTemplate('/ns/{namespace}/sa/{serviceAccount}'));
const trustDomain = requireTrustDomain('prod.example');

function policy(spec: object, name = 'p', namespace = 'prod'): AccessPolicy {
  return requireParsed(parseAccessPolicy({ metadata: { name, namespace }, spec }));
}

function rulesOf(...policies: readonly AccessPolicy[]) {
  return compileAccess({ pod: attestedPod(), policies, mode: 'enforce', trustDomain, template }).rules;
}

describe('compiled access', () => {
  it('of a pod that nobody selects admits nobody', () => {
    expect(compileAccess({ pod: attestedPod(), policies: [], mode: 'enforce', trustDomain, template })).toEqual({
      mode: 'enforce',
      rules: [],
    });
    expect(rulesOf(policy({ pods: { app: 'other' }, from: [{ peers: [{ namespace: 'a' }] }] }))).toEqual([]);
    expect(rulesOf(policy({ from: [{ peers: [{ namespace: 'a' }] }] }, 'p', 'other'))).toEqual([]);
  });

  it('is the union of the policies that select it, whole namespaces by `*`, exact accounts and ids', () => {
    const one = policy(
      {
        pods: { app: 'web' },
        from: [
          { ports: ['http', 9090], peers: [{ namespace: 'payments' }, { namespace: 'ops', serviceAccount: 'prober' }] },
        ],
      },
      'b',
    );
    const other = policy({ from: [{ peers: [{ id: 'spiffe://other.example/region/eu' }] }] }, 'a');
    expect(rulesOf(one, other)).toEqual([
      {
        policy: 'prod/a',
        ports: null,
        peers: [{ trustDomain: 'other.example', path: ['region', 'eu'] }],
        external: false,
      },
      {
        policy: 'prod/b',
        ports: [8080, 9090],
        peers: [
          { trustDomain, path: ['ns', 'payments', 'sa', '*'] },
          { trustDomain, path: ['ns', 'ops', 'sa', 'prober'] },
        ],
        external: false,
      },
    ]);
  });

  it('opens nothing for a port name the pod does not have: absent ports would mean every port', () => {
    expect(rulesOf(policy({ from: [{ ports: ['nope'], peers: [{ namespace: 'a' }] }] }))).toEqual([]);
  });

  it('opens nothing for a namespace of a foreign domain, nor for an id that is none', () => {
    expect(rulesOf(policy({ from: [{ peers: [{ namespace: 'a', trustDomain: 'other.example' }] }] }))).toEqual([]);
    expect(rulesOf(policy({ from: [{ peers: [{ id: 'https://x' }] }] }))).toEqual([]);
    expect(rulesOf(policy({ from: [{ peers: [{ id: 'spiffe://other.example' }] }] }))).toEqual([]);
  });

  it('keeps paths of foreign domains, whole domains, and external doors', () => {
    const rules = rulesOf(
      policy({
        from: [
          {
            peers: [{ trustDomain: 'partner.example', path: ['region', '*', '**'] }, { trustDomain: 'friend.example' }],
          },
          { ports: [8443], external: true },
        ],
      }),
    );
    expect(rules).toEqual([
      {
        policy: 'prod/p',
        ports: null,
        peers: [
          { trustDomain: 'partner.example', path: ['region', '*', '**'] },
          { trustDomain: 'friend.example', path: null },
        ],
        external: false,
      },
      { policy: 'prod/p', ports: [8443], peers: [], external: true },
    ]);
  });
});

describe('the NetworkPolicy of capture explicit', () => {
  const pod = attestedPod({ labels: { 'sallyport.dev/ports': 'abc' } });
  const seen = { namespace: 'prod', name: 'n', podLabels: { 'sallyport.dev/ports': 'abc' } };
  it.each([
    ['is there', pod, 'enforce', [seen], true],
    ['is missing', pod, 'enforce', [], false],
    ['selects other ports', pod, 'enforce', [{ ...seen, podLabels: { 'sallyport.dev/ports': 'xyz' } }], false],
    ['stands in another namespace', pod, 'enforce', [{ ...seen, namespace: 'other' }], false],
    ['is not needed in audit', pod, 'audit', [], true],
    ['is not needed without declared ports', attestedPod(), 'enforce', [], true],
  ] as const)('%s', (_name, subject, mode, policies, expected) => {
    expect(isNetworkPolicySeen(subject, mode, policies)).toBe(expected);
  });
});
