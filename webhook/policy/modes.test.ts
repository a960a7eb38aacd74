import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  base64,
  creates,
  minimalClusterRoleBinding,
  minimalPod,
  minimalSecret,
  policySettings,
  ruleContext,
  tweaked,
  updates,
} from '../../test/builders/judgement.ts';
import { graphOf, rule, serviceAccount } from '../../test/builders/rbac.ts';
import type { AdmissionRequest } from '../admission/request.ts';
import { clusterRoleBindingJustification } from '../rules/cluster-role-binding-justification.ts';
import { credentialInEnv } from '../rules/credential-in-env.ts';
import { exemptionApproval } from '../rules/exemption-approval.ts';
import { staticCredentialSecret } from '../rules/static-credential-secret.ts';
import { workloadCeiling } from '../rules/workload-ceiling.ts';
import type { RuleContext } from './context.ts';
import { findingsOf } from './evaluate.ts';
import { effectiveMode, namespaceMode, weakest } from './modes.ts';
import type { Rule } from './rule.ts';
import type { Mode } from './settings.ts';

function modesOf(rule: Rule, request: AdmissionRequest, context: RuleContext = ruleContext()): readonly Mode[] {
  return findingsOf(rule, request, context).map((finding) => effectiveMode(rule, finding, request, context));
}

function namespace(labels: Readonly<Record<string, string>>, known = true) {
  return { name: 'payments', labels, annotations: {}, known };
}

function podWith(...env: readonly { readonly name: string; readonly value: string }[]) {
  return tweaked(minimalPod, { spec: { containers: [{ name: 'web', env }] } });
}

const leaky = podWith({ name: 'DB_PASSWORD', value: 'correct-horse' });
const secret = tweaked(minimalSecret, { data: { password: base64('correct-horse') } });
const binding = tweaked(minimalClusterRoleBinding, { subjects: [{ kind: 'User', name: 'carol' }] });

describe('the mode of a namespace', () => {
  it.each([
    [{ 'sallyport.dev/identity': 'enabled' }, 'enforce'],
    [{}, 'audit'],
    [{ 'sallyport.dev/identity': 'disabled' }, 'audit'],
    [{ 'sallyport.dev/policy': 'enforce' }, 'enforce'],
    [{ 'sallyport.dev/identity': 'enabled', 'sallyport.dev/policy': 'warn' }, 'warn'],
    [{ 'sallyport.dev/identity': 'enabled', 'sallyport.dev/policy': 'audit' }, 'audit'],
    [{ 'sallyport.dev/identity': 'enabled', 'sallyport.dev/policy': 'off' }, 'enforce'],
  ] as const)('of %o is %s', (labels, mode) => {
    expect(namespaceMode(namespace(labels))).toBe(mode);
  });

  it('of one that nobody knows is enforce', () => {
    expect(namespaceMode(namespace({}, false))).toBe('enforce');
  });
});

describe('the mode of a finding', () => {
  it('is that of its namespace', () => {
    expect(modesOf(credentialInEnv, creates(leaky))).toEqual(['enforce']);
    expect(modesOf(credentialInEnv, creates(leaky), ruleContext({ namespace: namespace({}) }))).toEqual(['audit']);
  });

  it('is the cluster’s for what has no namespace', () => {
    const settings = { ...policySettings, clusterPolicy: 'warn' } as const;
    expect(modesOf(clusterRoleBindingJustification, creates(binding), ruleContext({ settings }))).toEqual(['warn']);
  });

  it('is the cluster’s for authorization in kube-system, and the namespace’s for the rest', () => {
    const context = ruleContext({
      settings: { ...policySettings, clusterPolicy: 'enforce' },
      namespace: namespace({ 'sallyport.dev/policy': 'audit' }),
    });
    const request = creates(leaky, { namespace: 'kube-system' });
    const ceiling = { ...credentialInEnv, id: 'workload-ceiling' };
    expect(modesOf(ceiling, request, context)).toEqual(['enforce']);
    expect(modesOf(credentialInEnv, request, context)).toEqual(['audit']);
  });

  it('is no stronger than the mode of its rule or the cap of its check', () => {
    const settings = { ...policySettings, ruleModes: { 'credential-in-env': 'warn' } } as const;
    expect(modesOf(credentialInEnv, creates(leaky), ruleContext({ settings }))).toEqual(['warn']);
    expect(modesOf(credentialInEnv, creates(podWith({ name: 'TOKEN', value: 'REPLACE_ME' })))).toEqual(['warn']);
  });

  it('is never stronger than any of its parts', () => {
    const mode = fc.constantFrom<Mode>('off', 'audit', 'warn', 'enforce');
    const strength = ['off', 'audit', 'warn', 'enforce'];
    fc.assert(
      fc.property(fc.array(mode), (modes) => {
        expect(modes.every((part) => strength.indexOf(weakest(...modes)) <= strength.indexOf(part))).toBe(true);
      }),
    );
  });

  it('is a warning at most for what stood there before, unchanged', () => {
    const relabelled = tweaked(leaky, { metadata: { labels: { team: 'web' } } });
    expect(modesOf(credentialInEnv, updates(leaky, relabelled))).toEqual(['warn']);
  });

  it('is enforced for another value at the same place', () => {
    const changed = podWith({ name: 'DB_PASSWORD', value: 'battery-staple' });
    expect(modesOf(credentialInEnv, updates(leaky, changed))).toEqual(['enforce']);
  });

  it('is enforced for a reference that comes to mean a literal', () => {
    const reference = { name: 'DB_PASSWORD', value: '$(PART)' };
    const before = tweaked(minimalPod, {
      spec: {
        containers: [{ name: 'web', env: [{ name: 'PART', valueFrom: { fieldRef: { fieldPath: 'x' } } }, reference] }],
      },
    });
    expect(
      modesOf(credentialInEnv, updates(before, podWith({ name: 'PART', value: 'correct-horse' }, reference))),
    ).toEqual(['enforce']);
  });

  it('is enforced against whoever changes the code of a workload beyond their ceiling, although it stood there before', () => {
    const rbac = graphOf({
      subject: serviceAccount('payments', 'web'),
      namespace: 'payments',
      rules: [rule('get', 'secrets')],
    });
    const other = tweaked(minimalPod, { spec: { containers: [{ name: 'web', image: 'registry.example/other:1' }] } });
    expect(modesOf(workloadCeiling, updates(minimalPod, other), ruleContext({ rbac }))).toEqual(['enforce']);
  });

  it('is enforced for a key that a write adds to a Secret', () => {
    expect(modesOf(staticCredentialSecret, updates(minimalSecret, secret))).toEqual(['enforce']);
  });

  it('is off for what stood before in an object that is being deleted, so that no finalizer is held up', () => {
    const going = tweaked(leaky, {
      metadata: { deletionTimestamp: '2027-01-01T00:00:00Z', finalizers: ['a.example/b'] },
    });
    const released = tweaked(going, { metadata: { finalizers: [] } });
    expect(modesOf(credentialInEnv, updates(going, released))).toEqual(['off']);
  });

  it('is enforced for what a write adds to an object that a finalizer keeps from its deletion', () => {
    const metadata = { deletionTimestamp: '2027-01-01T00:00:00Z', finalizers: ['a.example/b'] };
    const [going, grown] = [minimalClusterRoleBinding, binding].map((object) => tweaked(object, { metadata }));
    expect(modesOf(clusterRoleBindingJustification, updates(going ?? {}, grown ?? {}))).toEqual(['enforce']);
    const kept = tweaked(minimalSecret, { metadata });
    expect(modesOf(staticCredentialSecret, updates(kept, tweaked(secret, { metadata })))).toEqual(['enforce']);
  });

  it('of a guard is enforce, whatever anybody set', () => {
    const settings = { ...policySettings, clusterPolicy: 'off', ruleModes: { 'exemption-approval': 'off' } } as const;
    const request = creates({ apiVersion: 'sallyport.dev/v1alpha1', kind: 'Exemption', metadata: { name: 'x' } });
    expect(new Set(modesOf(exemptionApproval, request, ruleContext({ settings })))).toEqual(new Set(['enforce']));
  });
});
