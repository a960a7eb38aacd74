import type { KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { deadlineIn } from '../runtime/deadline.ts';
import { createLogger } from '../runtime/logger.ts';
import { requireSpiffeId } from '../spiffe/spiffe-id.ts';
import { manualClock } from '../test/builders/manual-clock.ts';
import type { MadeSvid } from './issuance/make-svid.ts';
import { ownIdentity } from './own-identity.ts';
import { type Granted, granted, refuse } from './refusal.ts';

const logger = createLogger({ program: 'authority', level: 'silent', write: () => undefined });
const middle = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, index) => (index === 0 ? 0x80 : 0));

describe('the own identity', () => {
  it('is ready with the first SVID, renews at half life by a new key, and tries again each second', async () => {
    const clock = manualClock();
    const keys: KeyObject[] = [];
    let fails = true;
    const issue = (key: KeyObject): Promise<Granted<MadeSvid>> => {
      if (fails) {
        return Promise.resolve(refuse('no-signer'));
      }
      keys.push(key);
      const notAfter = new Date(clock.now().getTime() + 60_000);
      const profile = {
        serial: '01',
        spiffeId: requireSpiffeId('spiffe://a.example/x'),
        spki: new Uint8Array(),
        notBefore: clock.now(),
        notAfter,
        issuer: new Uint8Array(),
        subjectKeyId: new Uint8Array(),
        authorityKeyId: new Uint8Array(),
      };
      return Promise.resolve(granted({ profile, der: Uint8Array.of(1) }));
    };
    const identity = ownIdentity({ issue, clock, random: middle, logger });
    let changes = 0;
    identity.onChange(() => {
      changes += 1;
    });
    const ready = identity.start(new AbortController().signal);
    await clock.advance(2_500);
    expect([changes, identity.current()]).toEqual([0, {}]);
    fails = false;
    await clock.advance(500);
    await ready;
    expect(changes).toBe(1);
    await clock.advance(29_999);
    expect(changes).toBe(1);
    await clock.advance(1);
    expect(changes).toBe(2);
    expect(keys[0]?.equals(keys[1] ?? keys[0])).toBe(false);
    expect(Object.keys(identity.current()).toSorted()).toEqual(['cert', 'key', 'secureOptions']);

    fails = true;
    const held = identity.current();
    await clock.advance(30_000);
    expect(identity.current()).toBe(held);
    fails = false;
    await clock.advance(1_000);
    expect(changes).toBe(3);
    await identity.stop(deadlineIn(clock, 1));
  });
});
