import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arbitraryAccount,
  arbitraryBinding,
  arbitraryCluster,
  arbitraryRequester,
} from '../../test/builders/arbitrary-rbac.ts';
import { isWithinByBruteForce, requestBeyond } from '../../test/builders/brute-force-ceiling.ts';
import { account as accountRequester, alice } from '../../test/builders/judgement.ts';
import { graphOf, group, type Holding, rule, serviceAccount, user } from '../../test/builders/rbac.ts';
import type { Requester } from '../admission/request.ts';
import { type CeilingAnswer, judgeCeiling } from './ceiling.ts';
import { buildRbacGraph, type RbacObjects } from './rbac-graph.ts';

const web = { namespace: 'payments', name: 'web' };
const holds = (
  subject: Holding['subject'],
  namespace: string,
  ...rules: readonly ReturnType<typeof rule>[]
): Holding => ({
  subject,
  namespace,
  rules,
});

function judge(
  holdings: readonly Holding[],
  requester: Requester = alice,
  unlimited: readonly string[] = [],
): CeilingAnswer {
  return judgeCeiling({ graph: graphOf(...holdings), account: web, requester, unlimitedGroups: unlimited });
}

function judgeObjects(objects: RbacObjects, account: typeof web, requester: Requester): CeilingAnswer {
  return judgeCeiling({ graph: buildRbacGraph(objects), account, requester, unlimitedGroups: [] });
}

/** New pairs in every run; the seed to repeat one is in the output. */
const seed = Math.floor(Math.random() * 2 ** 31);
const scene = () => fc.tuple(arbitraryCluster(), arbitraryAccount(), arbitraryRequester());

describe('the ceiling', () => {
  it('agrees with brute force on 6,000 random clusters, half a dozen hundred of them within', () => {
    console.log(`ceiling: seed ${seed}`);
    const seen = { within: 0, exceeds: 0 };
    fc.assert(
      fc.property(scene(), ([objects, account, requester]) => {
        const { kind } = judgeObjects(objects, account, requester);
        seen[kind] += 1;
        expect(kind).toBe(isWithinByBruteForce(objects, account, requester) ? 'within' : 'exceeds');
      }),
      { seed, numRuns: 6_000 },
    );
    expect(Math.min(seen.within, seen.exceeds)).toBeGreaterThan(600);
  });

  it('lets pass no account that could make a request its deployer could not', () => {
    fc.assert(
      fc.property(scene(), ([objects, account, requester]) => {
        const answer = judgeObjects(objects, account, requester);
        fc.pre(answer.kind === 'within' && answer.because !== 'delegated');
        expect(requestBeyond(objects, account, requester)).toBeUndefined();
      }),
      { seed, numRuns: 300 },
    );
  });

  it('never lowers when the deployer is granted more', () => {
    const granted = fc.tuple(scene(), arbitraryBinding(), fc.constantFrom('alice', 'bob'));
    fc.assert(
      fc.property(granted, ([[objects, account], binding, username]) => {
        const requester = { username, uid: '', groups: ['system:authenticated'], extra: {} };
        fc.pre(judgeObjects(objects, account, requester).kind === 'within');
        const more = { ...binding, subjects: [user(username)] };
        const isCluster = JSON.stringify(more).includes('"namespace"') === false;
        const richer = isCluster
          ? { ...objects, clusterRoleBindings: [...objects.clusterRoleBindings, more] }
          : { ...objects, roleBindings: [...objects.roleBindings, more] };
        expect(judgeObjects(richer, account, requester).kind).toBe('within');
      }),
      { seed, numRuns: 1_000 },
    );
  });

  it('judges every namespace where the account is bound, not its own only', () => {
    const answer = judge([
      holds(serviceAccount('payments', 'web'), 'payments', rule('list', 'pods')),
      holds(serviceAccount('payments', 'web'), 'vault', rule('get', 'secrets')),
      holds(user('alice'), 'payments', rule('*', '*')),
      holds(user('bob'), 'vault', rule('*', '*')),
    ]);
    // Alice holds the verb `impersonate` in payments by her wildcard: that is a delegation of the account as a whole.
    expect(answer).toMatchObject({ kind: 'within', because: 'delegated' });
    const withoutWildcard = judge([
      holds(serviceAccount('payments', 'web'), 'payments', rule('list', 'pods')),
      holds(serviceAccount('payments', 'web'), 'vault', rule('get', 'secrets')),
      holds(user('alice'), 'payments', rule('list', '*')),
      holds(user('bob'), 'vault', rule('*', '*')),
    ]);
    expect(withoutWildcard).toMatchObject({
      kind: 'exceeds',
      excess: [{ namespace: 'vault', rules: [{ resources: ['secrets'], verbs: ['get'] }] }],
    });
  });

  it('does not take power in a namespace for power in the cluster', () => {
    const answer = judge([
      holds(serviceAccount('payments', 'web'), '', rule('list', 'pods')),
      holds(user('alice'), 'payments', rule('list', 'pods')),
    ]);
    expect(answer).toMatchObject({ kind: 'exceeds', excess: [{ namespace: '' }] });
  });

  it('subtracts what everybody has by the API server’s own bindings, and nothing that merely looks like one', () => {
    const floor = (name: string, labels: Record<string, string>): Holding => ({
      ...holds(group('system:authenticated'), '', { verbs: ['get'], nonResourceURLs: ['/version'] }),
      name,
      labels,
    });
    const label = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
    const nobody = { ...alice, groups: [] };
    expect(judge([floor('system:discovery', label)], nobody)).toMatchObject({ because: 'no-power' });
    expect(judge([floor('system:discovery', {})], nobody).kind).toBe('exceeds');
    expect(judge([floor('my-discovery', label)], nobody).kind).toBe('exceeds');
  });

  it.each(['use', 'impersonate'])('takes the verb %s on the account for a delegation, on that account only', (verb) => {
    const powerful = holds(serviceAccount('payments', 'web'), '', rule('*', '*'));
    const on = (name: string) => ({ ...rule(verb, 'serviceaccounts'), resourceNames: [name] });
    expect(judge([powerful, holds(user('alice'), 'payments', on('web'))])).toMatchObject({ because: 'delegated' });
    expect(judge([powerful, holds(user('alice'), '', on('web'))])).toMatchObject({ because: 'delegated' });
    expect(judge([powerful, holds(user('alice'), 'payments', on('db'))]).kind).toBe('exceeds');
    expect(judge([powerful, holds(user('alice'), 'shop', on('web'))]).kind).toBe('exceeds');
  });

  it.each([
    'bind clusterroles rbac.authorization.k8s.io',
    'escalate clusterroles rbac.authorization.k8s.io',
    'create serviceaccounts/token ',
    'bind serviceaccounts ',
    'escalate serviceaccounts ',
    'update serviceaccounts ',
  ])('takes "%s" for no delegation', (text) => {
    const [verb = '', resource = '', apiGroup = ''] = text.split(' ');
    const answer = judge([
      holds(serviceAccount('payments', 'web'), 'payments', rule('get', 'secrets')),
      holds(user('alice'), '', rule(verb, resource, apiGroup)),
    ]);
    expect(answer.kind).toBe('exceeds');
  });

  it('lets members of system:masters and of the break-glass groups do everything', () => {
    const powerful = [holds(serviceAccount('payments', 'web'), '', rule('*', '*', '*'))];
    expect(judge(powerful, { ...alice, groups: ['system:masters'] })).toMatchObject({ because: 'unlimited' });
    expect(judge(powerful, { ...alice, groups: ['oncall'] }, ['oncall'])).toMatchObject({ because: 'unlimited' });
    expect(judge(powerful, { ...alice, groups: ['oncall'] }).kind).toBe('exceeds');
  });

  it('counts an account as itself whether a subject names it as account or as user', () => {
    const deployer = accountRequester('ci', 'deploy');
    const target = holds(serviceAccount('payments', 'web'), 'payments', rule('get', 'secrets'));
    expect(
      judge([target, holds(user('system:serviceaccount:ci:deploy'), '', rule('get', 'secrets'))], deployer).kind,
    ).toBe('within');
    expect(judge([target, holds(serviceAccount('ci', 'deploy'), '', rule('get', 'secrets'))], deployer).kind).toBe(
      'within',
    );
    expect(
      judge([target, holds(user('system:serviceaccount:ci:deploy:x'), '', rule('get', 'secrets'))], deployer).kind,
    ).toBe('exceeds');
  });

  it('says which roles of the account nobody can read, and lets them give the deployer nothing', () => {
    const missing: Holding = {
      subject: serviceAccount('payments', 'web'),
      namespace: '',
      rules: undefined,
      name: 'later',
    };
    expect(judge([missing])).toEqual({ kind: 'within', because: 'no-power', unknownRoles: ['ClusterRole/later'] });
    const own: Holding = { subject: user('alice'), namespace: '', rules: undefined, name: 'mine' };
    expect(judge([holds(serviceAccount('payments', 'web'), '', rule('get', 'pods')), own]).kind).toBe('exceeds');
  });

  it('holds a role too large to compare for uncovered, also where what is listed of it would be covered', () => {
    const many = Array.from({ length: 400 }, (_, index) => `r${index}`);
    const huge = { apiGroups: [''], resources: many, verbs: many };
    const answer = judge([
      { subject: serviceAccount('payments', 'web'), namespace: 'payments', rules: [huge] },
      { subject: user('alice'), namespace: 'payments', rules: [{ ...huge, resources: many.slice(0, 100) }] },
    ]);
    expect(answer).toMatchObject({ kind: 'exceeds', isCut: true });
  });
});
