import { describe, expect, it } from 'vitest';
import { alice, account as requesterOf } from '../../test/builders/judgement.ts';
import { graphOf, type RuleText, rule, serviceAccount } from '../../test/builders/rbac.ts';
import { judgeCeiling } from './ceiling.ts';
import { excessSentences, readyGrant } from './explain-excess.ts';

const web = { namespace: 'payments', name: 'web' };

function exceeding(namespace: string, ...rules: readonly RuleText[]) {
  const graph = graphOf({ subject: serviceAccount('payments', 'web'), namespace, rules });
  const answer = judgeCeiling({ graph, account: web, requester: alice, unlimitedGroups: [] });
  if (answer.kind !== 'exceeds') {
    throw new Error('the account was to exceed');
  }
  return answer;
}

const roleIn = (text: string): unknown => JSON.parse(text.slice(text.indexOf('{')));

describe('what a denial says of an excess', () => {
  it.each([
    ['may list secrets in namespace payments', 'payments', rule('list', 'secrets')],
    ['may get, list secrets in the whole cluster', '', rule('list get', 'secrets')],
    ['may do everything to all resources of all groups in the whole cluster', '', rule('*', '*', '*')],
    ['may delete deployments of apps in namespace vault', 'vault', rule('delete', 'deployments', 'apps')],
    [
      'may get secrets named db, web in namespace vault',
      'vault',
      { ...rule('get', 'secrets'), resourceNames: ['web', 'db'] },
    ],
    ['may get a, b, c, d and 2 more in namespace vault', 'vault', rule('get', 'f e d c b a')],
    ['may get /logs, /metrics', '', { verbs: ['get'], nonResourceURLs: ['/metrics', '/logs'] }],
  ])('%s', (sentence, namespace, granted) => {
    expect(excessSentences(exceeding(namespace, granted))).toEqual([sentence]);
  });

  it('stays short, and says how much more there is', () => {
    const many = Array.from({ length: 30 }, (_, index) =>
      rule('get', `things-with-a-long-name-${index}`, `group-${index}.example`),
    );
    const sentences = excessSentences(exceeding('vault', ...many));
    expect(sentences.join('; ').length).toBeLessThan(300);
    expect(sentences.at(-1)).toBe(`and ${30 - (sentences.length - 1)} more`);
  });

  it('prints the Role with the missing rules and how to bind it to the deployer', () => {
    const text = readyGrant(exceeding('vault', { ...rule('get', 'secrets'), resourceNames: ['db'] }), web, alice);
    expect(text).toContain('(kubectl create rolebinding like-web -n vault --role=like-web --user=alice)');
    expect(roleIn(text)).toEqual({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'like-web', namespace: 'vault' },
      rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'], resourceNames: ['db'] }],
    });
  });

  it('prints the Role that delegates the account where the rules are cluster-wide, many, of several namespaces, or paths', () => {
    const use = {
      kind: 'Role',
      metadata: { name: 'use-web', namespace: 'payments' },
      rules: [{ apiGroups: [''], resources: ['serviceaccounts'], verbs: ['use'], resourceNames: ['web'] }],
    };
    const { excess } = exceeding('vault', rule('get', 'secrets'));
    const twice = [...excess, ...excess];
    const many = Array.from({ length: 30 }, (_, index) => rule('get', `things-${index}`, `group-${index}.example`));
    for (const answer of [
      exceeding('', rule('get', 'secrets')),
      exceeding('vault', ...many),
      exceeding('', { verbs: ['get'], nonResourceURLs: ['/metrics'] }),
      { ...exceeding('vault', rule('get', 'secrets')), excess: twice },
    ]) {
      expect(roleIn(readyGrant(answer, web, alice))).toMatchObject(use);
    }
  });

  it('binds an account as an account, and leaves out a name that a shell would take apart', () => {
    const answer = exceeding('vault', rule('get', 'secrets'));
    expect(readyGrant(answer, web, requesterOf('ci', 'deploy'))).toContain('--serviceaccount=ci:deploy)');
    expect(readyGrant(answer, web, { username: 'eve; rm -rf /' })).not.toContain('kubectl');
  });

  it('prints a Role that makes the very deployer pass', () => {
    const text = readyGrant(exceeding('vault', rule('get list', 'secrets')), web, alice);
    const role = roleIn(text);
    const graph = graphOf(
      { subject: serviceAccount('payments', 'web'), namespace: 'vault', rules: [rule('get list', 'secrets')] },
      { subject: { kind: 'User', name: 'alice' }, namespace: 'vault', rules: rulesOf(role) },
    );
    expect(judgeCeiling({ graph, account: web, requester: alice, unlimitedGroups: [] }).kind).toBe('within');
  });
});

function rulesOf(role: unknown): readonly RuleText[] {
  expect(role).toHaveProperty('rules', [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list'] }]);
  return [rule('get list', 'secrets')];
}
