import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../admission/request.ts';
import { type Atom, atomsOf } from './atoms.ts';
import { covered, coversPath, indexRules, uncoveredAtoms } from './covers.ts';
import { parsePolicyRules } from './policy-rule.ts';

/*
 * The clauses of the API server's comparison, each by a case that only it decides.
 */

const on = (apiGroup: string, resources: string, verbs: string, resourceNames: readonly string[] = []): JsonObject => ({
  apiGroups: [apiGroup],
  resources: resources.split(' '),
  verbs: verbs.split(' '),
  resourceNames,
});
const at = (url: string, verb = 'get'): JsonObject => ({ nonResourceURLs: [url], verbs: [verb] });

function left(owner: readonly JsonObject[], servant: readonly JsonObject[]): readonly Atom[] {
  const index = indexRules(parsePolicyRules(owner));
  const rules = parsePolicyRules(servant);
  const atoms = rules.flatMap((rule) => [...uncoveredAtoms(rule, index)]);
  expect(atoms).toEqual(rules.flatMap((rule) => [...atomsOf(rule)].filter((atom) => !covered(atom, index))));
  return atoms;
}

const cases: readonly (readonly [string, readonly JsonObject[], readonly JsonObject[], boolean])[] = [
  ['the very same rule', [on('apps', 'deployments', 'get')], [on('apps', 'deployments', 'get')], true],
  [
    'several rules together, each atom by one',
    [on('', 'pods', 'get'), on('', 'services', 'get')],
    [on('', 'pods services', 'get')],
    true,
  ],
  ['no atom by two rules', [on('', 'pods', 'list'), on('', 'secrets', 'get')], [on('', 'pods', 'get')], false],
  ['another group', [on('apps', 'deployments', 'get')], [on('extensions', 'deployments', 'get')], false],
  ['* as group', [on('*', 'deployments', 'get')], [on('apps', 'deployments', 'get')], true],
  ['a group does not cover *', [on('apps', 'deployments', 'get')], [on('*', 'deployments', 'get')], false],
  ['* as verb', [on('', 'pods', '*')], [on('', 'pods', 'get invented')], true],
  [
    'an enumeration of verbs does not cover *',
    [on('', 'pods', 'get list watch create update patch delete deletecollection')],
    [on('', 'pods', '*')],
    false,
  ],
  ['verbs are case-sensitive', [on('', 'pods', 'get')], [on('', 'pods', 'GET')], false],
  ['* as resource', [on('', '*', 'get')], [on('', 'pods secrets', 'get')], true],
  ['* as resource covers subresources', [on('', '*', 'get')], [on('', 'pods/log', 'get')], true],
  ['a resource does not cover its subresource', [on('', 'pods', 'get')], [on('', 'pods/log', 'get')], false],
  ['a subresource does not cover its resource', [on('', 'pods/log', 'get')], [on('', 'pods', 'get')], false],
  ['an enumeration of resources does not cover *', [on('', 'pods secrets', 'get')], [on('', '*', 'get')], false],
  [
    '*/scale covers that subresource of any resource',
    [on('apps', '*/scale', 'get')],
    [on('apps', 'deployments/scale', 'get')],
    true,
  ],
  [
    '*/scale covers no other subresource',
    [on('apps', '*/scale', 'get')],
    [on('apps', 'deployments/status', 'get')],
    false,
  ],
  ['*/scale does not cover the resource scale', [on('apps', '*/scale', 'get')], [on('apps', 'scale', 'get')], false],
  ['pods/* is no pattern', [on('', 'pods/*', 'get')], [on('', 'pods/log', 'get')], false],
  ['pods/* covers the same words', [on('', 'pods/*', 'get')], [on('', 'pods/*', 'get')], true],
  ['*/* covers nothing but itself', [on('', '*/*', 'get')], [on('', 'pods/log', 'get')], false],
  ['*/* covers what ends in /*', [on('', '*/*', 'get')], [on('', 'pods/*', 'get')], true],
  ['the unnamed covers a name', [on('', 'secrets', 'get')], [on('', 'secrets', 'get', ['db'])], true],
  ['a name does not cover the unnamed', [on('', 'secrets', 'get', ['db'])], [on('', 'secrets', 'get')], false],
  ['a name covers itself', [on('', 'secrets', 'get', ['db', 'web'])], [on('', 'secrets', 'get', ['db'])], true],
  ['a name does not cover another', [on('', 'secrets', 'get', ['db'])], [on('', 'secrets', 'get', ['web'])], false],
  ['the empty name is no name', [on('', 'secrets', 'get', [''])], [on('', 'secrets', 'get')], false],
  ['resources without groups grant nothing', [], [{ resources: ['secrets'], verbs: ['get'] }], true],
  [
    'resources without groups cover nothing',
    [{ resources: ['secrets'], verbs: ['get'] }],
    [on('', 'secrets', 'get')],
    false,
  ],
  ['a rule without verbs grants nothing', [], [{ apiGroups: [''], resources: ['secrets'] }], true],
  ['the same path', [at('/metrics')], [at('/metrics')], true],
  ['a path with another verb', [at('/metrics')], [at('/metrics', 'post')], false],
  ['a path by its prefix', [at('/metrics/*')], [at('/metrics/cadvisor')], true],
  ['/api/* does not cover /api', [at('/api/*')], [at('/api')], false],
  ['all trailing stars are cut', [at('/metrics**')], [at('/metrics-extra')], true],
  ['a star inside is a character', [at('/*/v1/*')], [at('/api/v1/')], false],
  ['a pattern by a wider pattern', [at('/*')], [at('/metrics/*')], true],
  ['a wider pattern by a narrower', [at('/metrics/*')], [at('/*')], false],
  ['paths are not covered by resources', [on('*', '*', '*')], [at('/metrics')], false],
  ['resources are not covered by paths', [at('*', '*')], [on('', 'pods', 'get')], false],
  ['a rule with both needs both', [on('', 'pods', 'get')], [{ ...on('', 'pods', 'get'), ...at('/metrics') }], false],
];

describe('covers', () => {
  it.each(cases)('%s', (_name, owner, servant, isCovered) => {
    expect(left(owner, servant).length === 0).toBe(isCovered);
  });

  it('leaves exactly the atoms that nothing grants', () => {
    const owner = [on('', 'pods', 'get'), on('', 'pods', 'delete', ['web'])];
    expect(left(owner, [on('', 'pods secrets', 'get', ['web'])])).toEqual([
      { kind: 'resource', group: '', resource: 'secrets', verb: 'get', name: 'web' },
    ]);
  });

  it.each([
    ['*', '', true],
    ['/*', '', false],
    ['/healthz', '/healthz/etcd', false],
    ['/healthz*', '/healthz/etcd', true],
    ['/logs/*/*', '/logs/a', false],
  ])('path %s and %s', (pattern, url, isCovered) => {
    expect(coversPath(pattern, url)).toBe(isCovered);
  });
});
