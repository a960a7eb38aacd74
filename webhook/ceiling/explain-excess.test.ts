import { describe, expect, it } from 'vitest';
import { alice, account as requesterOf } from '../../test/builders/judgement.ts';
import { graphOf, type RuleText, rule, serviceAccount } from '../../test/builders/rbac.ts';
import { denialText } from '../policy/denial-text.ts';
import { shownName } from '../policy/shown-name.ts';
import { workloadCeiling } from '../rules/workload-ceiling.ts';
import { judgeCeiling } from './ceiling.ts';
import { explainExcess } from './explain-excess.ts';

const web = { namespace: 'payments', name: 'web' };

function exceeding(namespace: string, ...rules: readonly RuleText[]) {
  const graph = graphOf({ subject: serviceAccount('payments', 'web'), namespace, rules });
  const answer = judgeCeiling({ graph, account: web, requester: alice, unlimitedGroups: [] });
  if (answer.kind !== 'exceeds') {
    throw new Error('the account was to exceed');
  }
  return answer;
}

const actOf = (...asked: Parameters<typeof explainExcess>): string => explainExcess(...asked).act;
const foundIn = (answer: ReturnType<typeof exceeding>): string => explainExcess(answer, web, alice).found;
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
    expect(foundIn(exceeding(namespace, granted))).toBe(`${sentence}; you may not`);
  });

  it('says how much more there is where a line has no room for all', () => {
    const many = Array.from({ length: 30 }, (_, index) =>
      rule('get', `things-with-a-long-name-${index}`, `group-${index}.example`),
    );
    const said = foundIn(exceeding('vault', ...many)).split('; ');
    const more = /^and (\d+) more$/.exec(said.at(-2) ?? '')?.[1];
    expect(Number(more) + said.length - 2).toBe(30);
  });

  it.each(['web', 'w'.repeat(63), 'w'.repeat(253)])('fits a denial’s line, the Role whole, for account %s', (name) => {
    const namespace = name.slice(0, 63);
    const long = Array.from({ length: 9 }, (_, index) =>
      rule('get', `${'r'.repeat(60)}${index}`, `${'g'.repeat(200)}.${index}`),
    );
    const account = { namespace, name };
    const graph = graphOf({ subject: serviceAccount(namespace, name), namespace: 'vault', rules: long });
    const answer = judgeCeiling({ graph, account, requester: alice, unlimitedGroups: [] });
    if (answer.kind !== 'exceeds') {
      throw new Error('the account was to exceed');
    }
    const { found, act } = explainExcess(answer, account, alice);
    const subject = `account ${shownName(name)}`;
    const finding = {
      rule: 'workload-ceiling',
      subject,
      found,
      fix: workloadCeiling.remediation.replace('{act}', act),
    };
    const text = denialText({
      kind: 'Deployment',
      namespace,
      name: 'web',
      findings: [finding],
      decisionId: '8F3K2M9Q7C',
      rulesUrl: 'https://sallyport.dev/rules',
    });
    expect(text).toContain(`${act}.\n`);
  });

  it('prints the Role with the missing rules and how to bind it to the deployer', () => {
    const text = actOf(exceeding('vault', { ...rule('get', 'secrets'), resourceNames: ['db'] }), web, alice);
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
      expect(roleIn(actOf(answer, web, alice))).toMatchObject(use);
    }
  });

  it('binds an account as an account, and leaves out a name that a shell would take apart', () => {
    const answer = exceeding('vault', rule('get', 'secrets'));
    expect(actOf(answer, web, requesterOf('ci', 'deploy'))).toContain('--serviceaccount=ci:deploy)');
    expect(actOf(answer, web, { username: 'eve; rm -rf /' })).not.toContain('kubectl');
  });

  it('prints a Role that makes the very deployer pass', () => {
    const text = actOf(exceeding('vault', rule('get list', 'secrets')), web, alice);
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
