import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { endpointAt } from '../../test/builders/data-plane.ts';
import { manualClock } from '../../test/builders/manual-clock.ts';
import { createEndpointChoice } from './endpoint-choice.ts';

const endpoints = [1, 2, 3, 4].map((port) => endpointAt(port, 'spiffe://td/a'));
const [a, b, c, d] = endpoints;
const none: ReadonlySet<never> = new Set<never>();

function begin() {
  const clock = manualClock();
  let ejections = 0;
  const choice = createEndpointChoice(randomBytes, clock, () => {
    ejections += 1;
  });
  const drawn = (tries = 200) => new Set(Array.from({ length: tries }, () => choice.choose(endpoints, none)));
  return { clock, choice, drawn, ejections: () => ejections };
}

const present = <T>(value: T | undefined): T => {
  if (value === undefined) {
    throw new TypeError('missing');
  }
  return value;
};

describe('endpoint choice', () => {
  it('draws every ready endpoint, and none that was tried or is not ready', () => {
    const { choice, drawn } = begin();
    expect(drawn()).toEqual(new Set(endpoints));
    const tried = new Set([present(a), present(b), present(c)]);
    expect(choice.choose(endpoints, tried)).toBe(d);
    expect(choice.choose([{ ...present(a), ready: false }], none)).toBeUndefined();
  });

  it('takes the less busy of two, so the busiest never', () => {
    const { choice, drawn } = begin();
    const release = choice.busy(present(a));
    expect(drawn().has(present(a))).toBe(false);
    release();
    expect(drawn().has(present(a))).toBe(true);
  });

  it('leaves an endpoint out after three failures in a row, for ten seconds, then twenty', async () => {
    const { choice, drawn, clock, ejections } = begin();
    const failThrice = (): void => [1, 2, 3].forEach(() => choice.failed(present(a), endpoints));
    failThrice();
    expect(ejections()).toBe(1);
    expect(drawn().has(present(a))).toBe(false);
    await clock.advance(10_001);
    expect(drawn().has(present(a))).toBe(true);
    failThrice();
    await clock.advance(10_001);
    expect(drawn().has(present(a))).toBe(false);
    await clock.advance(10_000);
    expect(drawn().has(present(a))).toBe(true);
  });

  it('counts failures in a row only', () => {
    const { choice, ejections } = begin();
    choice.failed(present(a), endpoints);
    choice.failed(present(a), endpoints);
    choice.succeeded(present(a));
    choice.failed(present(a), endpoints);
    expect(ejections()).toBe(0);
  });

  it('never leaves out more than half', () => {
    const { choice, ejections } = begin();
    for (const endpoint of endpoints) {
      [1, 2, 3, 4].forEach(() => choice.failed(endpoint, endpoints));
    }
    expect(ejections()).toBe(2);
    const only = [endpointAt(9, 'spiffe://td/a')];
    [1, 2, 3].forEach(() => choice.failed(present(only[0]), only));
    expect(choice.choose(only, none)).toBe(only[0]);
  });
});
