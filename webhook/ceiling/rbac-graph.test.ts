import { describe, expect, it } from 'vitest';
import { serviceAccount, user } from '../../test/builders/rbac.ts';
import type { JsonObject } from '../admission/request.ts';
import { powerOfAccount } from './power.ts';
import { buildRbacGraph, keyOfUser, type RbacObjects, rbacGraphBuilder } from './rbac-graph.ts';

const web = { namespace: 'payments', name: 'web' };
const pods: JsonObject = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };
const secrets: JsonObject = { apiGroups: [''], resources: ['secrets'], verbs: ['get'] };
const none: RbacObjects = { roles: [], roleBindings: [], clusterRoles: [], clusterRoleBindings: [] };

function binding(kind: 'Role' | 'ClusterRole', namespace: string, ...subjects: readonly JsonObject[]): JsonObject {
  return { metadata: { name: 'b', namespace }, roleRef: { kind, name: 'reader' }, subjects };
}

const role = (namespace: string, ...rules: readonly JsonObject[]): JsonObject => ({
  metadata: { name: 'reader', ...(namespace === '' ? {} : { namespace }) },
  rules,
});

const resourcesOf = (objects: RbacObjects): readonly (readonly [string, readonly string[]])[] =>
  [...powerOfAccount(buildRbacGraph(objects), web).rules].map(([namespace, rules]) => [
    namespace,
    rules.flatMap(({ resources }) => resources),
  ]);

describe('the graph', () => {
  it('gives a ClusterRole bound by a RoleBinding in that namespace only', () => {
    const objects = {
      ...none,
      clusterRoles: [role('', pods)],
      roleBindings: [binding('ClusterRole', 'shop', serviceAccount('payments', 'web'))],
    };
    expect(resourcesOf(objects)).toEqual([['shop', ['pods']]]);
  });

  it('takes a Role from the namespace of its binding, never a ClusterRole of that name', () => {
    const objects = {
      ...none,
      clusterRoles: [role('', secrets)],
      roles: [role('shop', pods), role('vault', secrets)],
      roleBindings: [binding('Role', 'shop', serviceAccount('payments', 'web'))],
    };
    expect(resourcesOf(objects)).toEqual([['shop', ['pods']]]);
  });

  it('gives a subject without namespace the binding’s own', () => {
    const objects = {
      ...none,
      roles: [role('payments', pods), role('shop', pods)],
      roleBindings: ['payments', 'shop'].map((namespace) =>
        binding('Role', namespace, { kind: 'ServiceAccount', name: 'web' }),
      ),
    };
    expect(resourcesOf(objects)).toEqual([['payments', ['pods']]]);
  });

  it('counts a subject that is named twice once, and one that is no subject never', () => {
    const web_ = serviceAccount('payments', 'web');
    const objects = {
      ...none,
      roles: [role('shop', pods)],
      roleBindings: [
        binding('Role', 'shop', web_, web_, user('system:serviceaccount:payments:web'), { kind: 'Robot', name: 'web' }),
        { metadata: { name: 'c', namespace: 'shop' }, subjects: [web_] },
        { metadata: { name: 'd', namespace: 'shop' }, roleRef: { kind: 'Role', name: 'reader' } },
      ],
    };
    expect(resourcesOf(objects)).toEqual([['shop', ['pods']]]);
  });

  it('sees a role that came, changed or went since it was built before', () => {
    const build = rbacGraphBuilder();
    const roleBindings = [binding('Role', 'shop', serviceAccount('payments', 'web'))];
    const powerWith = (...roles: readonly JsonObject[]) => {
      const { rules, unknownRoles } = powerOfAccount(build({ ...none, roles, roleBindings }), web);
      return { resources: [...rules.values()].flat().flatMap(({ resources }) => resources), unknownRoles };
    };
    expect(powerWith()).toEqual({ resources: [], unknownRoles: ['Role/reader'] });
    expect(powerWith(role('shop', pods))).toEqual({ resources: ['pods'], unknownRoles: [] });
    expect(powerWith(role('shop', secrets))).toEqual({ resources: ['secrets'], unknownRoles: [] });
    expect(powerWith()).toEqual({ resources: [], unknownRoles: ['Role/reader'] });
  });

  it('knows the API server’s own bindings by label, name and role together, and by nothing less', () => {
    const bound = (name: string, roleName: string, marked: boolean, namespace?: string): JsonObject => ({
      metadata: {
        name,
        labels: marked ? { 'kubernetes.io/bootstrapping': 'rbac-defaults' } : {},
        ...(namespace === undefined ? {} : { namespace }),
      },
      roleRef: { kind: 'ClusterRole', name: roleName },
      subjects: [serviceAccount('payments', 'web')],
    });
    const powerBy = (objects: Partial<RbacObjects>): number =>
      [...powerOfAccount(buildRbacGraph({ ...none, clusterRoles: discovery, ...objects }), web).rules.values()].flat()
        .length;
    const discovery = ['system:discovery', 'other'].map((name): JsonObject => ({ metadata: { name }, rules: [pods] }));
    expect(powerBy({ clusterRoleBindings: [bound('system:discovery', 'system:discovery', true)] })).toBe(0);
    expect(powerBy({ clusterRoleBindings: [bound('system:discovery', 'system:discovery', false)] })).toBe(1);
    expect(powerBy({ clusterRoleBindings: [bound('mine', 'system:discovery', true)] })).toBe(1);
    expect(powerBy({ clusterRoleBindings: [bound('other', 'other', true)] })).toBe(1);
    expect(powerBy({ roleBindings: [bound('system:discovery', 'system:discovery', true, 'shop')] })).toBe(1);
  });

  it('never takes the index of some roles for that of others', () => {
    const clusterRoles = Array.from(
      { length: 13 },
      (_, index): JsonObject => ({
        metadata: { name: `r${index}` },
        rules: [{ ...pods, resources: [`r${index}`] }],
      }),
    );
    const clusterRoleBindings = clusterRoles.map(
      (_, index): JsonObject => ({
        metadata: { name: `r${index}` },
        roleRef: { kind: 'ClusterRole', name: `r${index}` },
        subjects: [user(`u${index}`)],
      }),
    );
    const graph = buildRbacGraph({ ...none, clusterRoles, clusterRoleBindings });
    const resources = (...users: readonly number[]): readonly string[] => [
      ...graph.indexOf(users.flatMap((index) => graph.grants.get(`U|u${index}`) ?? [])).byResource.keys(),
    ];
    clusterRoles.forEach((_, index) => {
      expect(resources(index)).toEqual([` r${index}`]);
    });
    expect(resources(1, 2)).toEqual([' r1', ' r2']);
    expect(resources(1, 2)).toEqual([' r1', ' r2']);
    expect(resources()).toEqual([]);
  });

  it.each([
    ['alice', 'U|alice'],
    ['system:serviceaccount:payments:web', 'S|payments/web'],
    ['system:serviceaccount:payments', 'U|system:serviceaccount:payments'],
    ['system:serviceaccount::web', 'U|system:serviceaccount::web'],
    ['system:serviceaccount:payments:web:x', 'U|system:serviceaccount:payments:web:x'],
    ['System:serviceaccount:payments:web', 'U|System:serviceaccount:payments:web'],
  ])('AR-29 reads the username %s as %s', (username, key) => {
    expect(keyOfUser(username)).toBe(key);
  });

  it('reads rules that are no rules as nothing', () => {
    const odd = {
      metadata: { name: 'reader', namespace: 'shop' },
      rules: [null, 'x', { verbs: 'get', resources: [1] }],
    };
    const objects = {
      ...none,
      roles: [odd],
      roleBindings: [binding('Role', 'shop', serviceAccount('payments', 'web'))],
    };
    expect(resourcesOf(objects)).toEqual([['shop', []]]);
  });
});
