import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alice,
  bob,
  creates,
  minimalExemption,
  minimalPod,
  now,
  tweaked,
  updates,
} from '../../test/builders/judgement.ts';
import type { JsonObject } from '../admission/request.ts';
import { authorExemption } from './exemption-author.ts';
import { memberAt } from './json-access.ts';

const approval = { decision: 'approved', generation: 1, comment: 'seen' };
const decided = tweaked(minimalExemption, {
  status: { approval: { ...approval, by: 'bob', byUid: '', at: '2027-01-01T11:00:00Z' } },
});

function written(object: JsonObject | undefined, ...path: readonly string[]) {
  return memberAt(object, ...path);
}

describe('the author of an exemption', () => {
  it('is who creates it, whatever the client says', () => {
    const forged = tweaked(minimalExemption, { spec: { requestedBy: { username: 'carol', uid: 'x' } } });
    expect(written(authorExemption(creates(forged), now), 'spec', 'requestedBy')).toEqual({
      username: 'alice',
      uid: '',
    });
  });

  it('cannot bring an approval along', () => {
    expect(written(authorExemption(creates(decided), now), 'status')).toBeUndefined();
  });

  it('becomes who changes what is asked', () => {
    const changed = tweaked(minimalExemption, { spec: { justification: 'Another reason that is long enough.' } });
    const request = updates(minimalExemption, changed, { requester: bob });
    expect(written(authorExemption(request, now), 'spec', 'requestedBy', 'username')).toBe('bob');
  });

  it('stays who asked when somebody changes a label or claims to have asked', () => {
    const claimed = tweaked(minimalExemption, {
      metadata: { labels: { a: 'b' } },
      spec: { requestedBy: { username: 'bob' } },
    });
    const request = updates(minimalExemption, claimed, { requester: bob });
    expect(written(authorExemption(request, now), 'spec', 'requestedBy')).toEqual({ username: 'alice', uid: '' });
  });
});

describe('the approver of an exemption', () => {
  const status = { subResource: 'status', requester: bob };

  it('is who decides, whatever the client says', () => {
    const sent = tweaked(minimalExemption, {
      status: { approval: { ...approval, by: 'carol', byUid: 'x', at: '2020-01-01T00:00:00Z' } },
    });
    expect(written(authorExemption(updates(minimalExemption, sent, status), now), 'status', 'approval')).toEqual({
      ...approval,
      by: 'bob',
      byUid: '',
      at: '2027-01-01T12:00:00Z',
    });
  });

  it('stays who decided when somebody else writes the status', () => {
    const counted = tweaked(decided, { status: { use: { count: 1 }, approval: { by: 'alice' } } });
    const request = updates(decided, counted, { ...status, requester: alice });
    expect(written(authorExemption(request, now), 'status', 'approval', 'by')).toBe('bob');
  });

  it('becomes who repeats the decision for another generation', () => {
    const again = tweaked(decided, { status: { approval: { generation: 2 } } });
    const request = updates(decided, again, { ...status, requester: alice });
    expect(written(authorExemption(request, now), 'status', 'approval', 'by')).toBe('alice');
  });
});

describe('authorship', () => {
  it('AR-33 is the same when the API server asks again a moment later', () => {
    const decision = fc.constantFrom('approved', 'rejected', 'revoked');
    const later = new Date(now.getTime() + 1_500);
    fc.assert(
      fc.property(
        decision,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom('', 'status'),
        (word, generation, subResource) => {
          const sent = tweaked(minimalExemption, { status: { approval: { decision: word, generation, by: 'eve' } } });
          const request = updates(minimalExemption, sent, { subResource, requester: bob });
          const once = authorExemption(request, now) ?? sent;
          expect(authorExemption({ ...request, object: once }, later)).toEqual(once);
        },
      ),
    );
  });

  it('is nobody’s for anything else', () => {
    expect(authorExemption(creates(minimalPod), now)).toBeUndefined();
    expect(authorExemption(creates(minimalExemption, { operation: 'DELETE', object: null }), now)).toBeUndefined();
  });
});
