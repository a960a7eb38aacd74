import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchPath } from '../../spiffe/matcher.ts';
import { requireSpiffeId } from '../../spiffe/spiffe-id.ts';
import { indexAccess } from './access-index.ts';
import { accessCases } from './decide.cases.ts';
import { type Caller, decideAccess } from './decide.ts';

const callerOf = (text: string): Caller => (text === 'plaintext' ? text : requireSpiffeId(text));

describe('decideAccess', () => {
  it.each(accessCases)('$name', ({ caller, port, access, decision }) => {
    expect(decideAccess(callerOf(caller), port, indexAccess(access))).toEqual(decision);
  });

  it('does not depend on the order of rules', () => {
    const name = fc.constantFrom('a', 'ab', 'b');
    const rule = fc.record({
      policy: fc.constant('p'),
      ports: fc.option(fc.array(fc.integer({ min: 1, max: 2 }), { maxLength: 2 })),
      peers: fc.array(fc.record({ trustDomain: name, path: fc.option(fc.array(name, { maxLength: 2 })) }), {
        maxLength: 2,
      }),
      external: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 4 }), name, fc.array(name, { maxLength: 2 }), (rules, domain, path) => {
        const caller = requireSpiffeId(['spiffe:/', domain, ...path].join('/'));
        const forth = decideAccess(caller, 1, indexAccess({ mode: 'enforce', rules }));
        const back = decideAccess(caller, 1, indexAccess({ mode: 'enforce', rules: rules.toReversed() }));
        expect(back.outcome).toBe(forth.outcome);
      }),
    );
  });

  it('says what looking at every rule says', () => {
    const segment = fc.constantFrom('ns', 'a', 'b', '*', '**');
    const pattern = fc.option(fc.array(segment, { maxLength: 4 }));
    const rule = fc.record({
      policy: fc.constant('p'),
      ports: fc.constant(null),
      peers: fc.array(fc.record({ trustDomain: fc.constantFrom('td', 'other'), path: pattern }), { maxLength: 3 }),
      external: fc.boolean(),
    });
    const path = fc.array(fc.constantFrom('ns', 'a', 'b'), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), path, (rules, segments) => {
        const caller = requireSpiffeId(['spiffe:/', 'td', ...segments].join('/'));
        const opens = rules.some(({ peers }) =>
          peers.some((peer) => peer.trustDomain === 'td' && (peer.path === null || matchPath(peer.path, segments))),
        );
        expect(decideAccess(caller, 1, indexAccess({ mode: 'enforce', rules })).outcome).toBe(
          opens ? 'allowed' : 'refused',
        );
      }),
      { numRuns: 500 },
    );
  });

  it('never opens to an id by a prefix of a segment', () => {
    const segment = fc.stringMatching(/^[a-z]{1,8}$/);
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), segment, (path, tail) => {
        const longer = [...path.slice(0, -1), `${path.at(-1)}${tail}`];
        const access = {
          mode: 'enforce' as const,
          rules: [{ policy: 'p', ports: null, peers: [{ trustDomain: 'td', path }], external: false }],
        };
        expect(decideAccess(requireSpiffeId(`spiffe://td/${longer.join('/')}`), 1, indexAccess(access)).outcome).toBe(
          'refused',
        );
      }),
    );
  });
});
