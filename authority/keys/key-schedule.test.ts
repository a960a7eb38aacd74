import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Birth, birthOfFirst, birthOfNext, lacksNext, signer, stateOf } from './key-schedule.ts';
import { keyTimes, leastPeriodMs } from './key-times.ts';
import type { RingKey } from './ring-key.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const start = new Date('2026-01-01T00:00:00Z');
const at = (ms: number): Date => new Date(start.getTime() + ms);
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

function ringKey(id: string, birth: Birth, tweak: Partial<RingKey> = {}): RingKey {
  return { entry: { id, public: new Uint8Array(), ...birth }, privateKey, isPublished: true, ...tweak };
}

const forever = keyTimes(24 * hour);

describe('key times', () => {
  const table = [
    {
      name: 'a day',
      svid: 24 * hour,
      period: undefined,
      from: 30 * hour,
      until: 75 * hour,
      end: 99 * hour + 5 * minute,
      jwtEnd: 76 * hour + 5 * minute,
    },
    {
      name: 'a minute',
      svid: minute,
      period: undefined,
      from: 3 * hour,
      until: 7.5 * hour,
      end: 7.5 * hour + minute + 6 * second,
      jwtEnd: 7.5 * hour + 66 * second,
    },
    {
      name: 'a test',
      svid: 10 * second,
      period: 30 * second,
      from: 30 * second,
      until: 75 * second,
      end: 86 * second,
      jwtEnd: 86 * second,
    },
  ];
  it.each(table)('gives a key of full lead its whole life: $name', ({ svid, period, from, until, end, jwtEnd }) => {
    const times = keyTimes(svid, period);
    const x509 = birthOfNext('x509', start, undefined, times);
    expect([x509.activeFrom, x509.signUntil, x509.notAfter]).toEqual([at(from), at(until), at(end)]);
    expect(birthOfNext('jwt', start, undefined, times).notAfter).toEqual(at(jwtEnd));
    expect(x509.fullLead).toBe(true);
  });

  it('bounds clock error, hold-down and beat', () => {
    expect(forever).toMatchObject({
      clockErrorMs: 5 * minute,
      holdDownMs: 2 * minute,
      slackMs: 3 * hour,
      beatMs: 5 * second,
    });
    expect(keyTimes(minute)).toMatchObject({ clockErrorMs: 6 * second, holdDownMs: 15 * second, beatMs: 2500 });
  });

  it('asks for a period that outlives an SVID, three JWT-SVIDs and five refresh hints', () => {
    expect(leastPeriodMs(24 * hour, 5 * minute)).toBe(30 * hour);
    expect(leastPeriodMs(hour, minute)).toBe(3 * hour);
    expect(leastPeriodMs(10 * second, 5 * minute)).toBe(25 * minute);
  });
});

describe('births', () => {
  it('lets a founder of an empty domain sign at once, and one after a loss only after the hold-down', () => {
    expect(birthOfFirst('x509', start, 'none', forever)).toMatchObject({ activeFrom: start, fullLead: false });
    expect(birthOfFirst('x509', start, 'hold-down', forever)).toMatchObject({
      activeFrom: at(2 * minute),
      fullLead: false,
    });
  });

  it('makes a late key active by its predecessor’s last signature, after the hold-down at the earliest, and says that it is late', () => {
    const first = ringKey('aa', birthOfFirst('x509', start, 'none', forever)).entry;
    expect(birthOfNext('x509', at(40 * hour), first, forever)).toMatchObject({
      activeFrom: first.signUntil,
      fullLead: false,
    });
    expect(birthOfNext('x509', at(45 * hour - second), first, forever)).toMatchObject({
      activeFrom: at(45 * hour - second + 2 * minute),
      fullLead: false,
    });
  });
});

describe('signer', () => {
  const first = ringKey('aa', birthOfFirst('x509', start, 'none', forever));
  const next = ringKey('bb', birthOfNext('x509', start, first.entry, forever));

  it('is the founder’s first key, then its successor from the moment that one is active', () => {
    expect(signer([first, next], 'x509', start)?.entry.id).toBe('aa');
    expect(signer([first, next], 'x509', at(30 * hour - 1))?.entry.id).toBe('aa');
    expect(signer([first, next], 'x509', at(30 * hour))?.entry.id).toBe('bb');
  });

  it('is nobody from signUntil on', () => {
    expect(signer([next], 'x509', at(75 * hour - 1))?.entry.id).toBe('bb');
    expect(signer([next], 'x509', at(75 * hour))).toBeUndefined();
  });

  it('is no key of another kind, no unpublished one and none whose private part is elsewhere', () => {
    const { privateKey: _, ...foreign } = first;
    expect(signer([first], 'jwt', start)).toBeUndefined();
    expect(signer([{ ...first, isPublished: false }], 'x509', start)).toBeUndefined();
    expect(signer([foreign], 'x509', start)).toBeUndefined();
  });

  it('is a key of full lead rather than one without, and of several the one active last', () => {
    const older = ringKey('cc', birthOfNext('x509', at(-10 * hour), undefined, forever));
    const founder = ringKey('dd', birthOfFirst('x509', at(19 * hour), 'none', forever));
    expect(signer([founder, older], 'x509', at(21 * hour))?.entry.id).toBe('cc');
    expect(signer([older, next], 'x509', at(31 * hour))?.entry.id).toBe('bb');
  });

  it('is, where none has full lead, the one prepared first; the smaller id breaks a tie', () => {
    const twin = ringKey('ab', birthOfFirst('x509', start, 'none', forever));
    const younger = ringKey('00', birthOfFirst('x509', at(1), 'none', forever));
    expect(signer([younger, twin, first], 'x509', at(2))?.entry.id).toBe('aa');
  });

  it('signs from the mark of activation when that comes before activeFrom', () => {
    const held = ringKey('ee', birthOfFirst('x509', start, 'hold-down', forever), { activatedAt: at(20 * second) });
    expect(signer([held], 'x509', at(20 * second - 1))).toBeUndefined();
    expect(signer([held], 'x509', at(20 * second))?.entry.id).toBe('ee');
  });

  it('names the states of a ring: current, next, draining', () => {
    const past = ringKey('99', birthOfNext('x509', at(-40 * hour), undefined, forever));
    const ring = [first, next, past];
    expect(ring.map((key) => stateOf(key, ring, start))).toEqual(['draining', 'next', 'current']);
    expect(lacksNext(ring, 'x509', at(30 * hour))).toBe(true);
    expect(lacksNext(ring, 'x509', at(30 * hour - 1))).toBe(false);
  });

  it('I4, I5: a ring kept by its own rule always has one signer, never one past its time, and at most four anchors', () => {
    const step = fc.integer({ min: 1, max: 3 * hour });
    fc.assert(
      fc.property(fc.array(step, { minLength: 30, maxLength: 120 }), (steps) => {
        let ring: RingKey[] = [ringKey('k0', birthOfFirst('x509', start, 'none', forever))];
        let now = 0;
        for (const [index, length] of steps.entries()) {
          if (lacksNext(ring, 'x509', at(now))) {
            ring.push(
              ringKey(`k${index + 1}`, birthOfNext('x509', at(now), signer(ring, 'x509', at(now))?.entry, forever)),
            );
          }
          now += length;
          ring = ring.filter(({ entry }) => at(now) < entry.notAfter);
          const chosen = signer(ring, 'x509', at(now));
          expect(chosen).toBeDefined();
          expect(chosen !== undefined && at(now) < chosen.entry.signUntil).toBe(true);
          expect(ring.length).toBeLessThanOrEqual(4);
        }
      }),
      { numRuns: 50 },
    );
  });
});
