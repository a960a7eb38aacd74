import { describe, expect, it } from 'vitest';
import { manualClock } from '../../test/builders/manual-clock.ts';
import { connectionsWithin, createInboundLimits, type InboundLimitSettings } from './limits.ts';

const generous: InboundLimitSettings = {
  maxConnections: 1_000,
  connectionsPerSecond: 200,
  connectionBurst: 400,
  maxHandshakes: 2,
  maxWaitingHandshakes: 2,
  maxHandshakesPerAddress: 3,
};

describe('inbound limits', () => {
  it('derive the connections from the memory', () => {
    expect(connectionsWithin(256 * 1024 * 1024)).toBe(2_503);
    expect(connectionsWithin(0)).toBe(1);
  });

  it('let one address open its burst at once and then its rate, and no other pays for it', async () => {
    const clock = manualClock();
    const limits = createInboundLimits(generous, clock);
    const taken = (address: string, tries: number): number =>
      Array.from({ length: tries }, () => limits.accept(address)).filter(Boolean).length;
    expect(taken('a', 500)).toBe(400);
    expect(taken('b', 1)).toBe(1);
    await clock.advance(1_000);
    expect(taken('a', 500)).toBe(200);
  });

  it('count open connections until they are given back', () => {
    const limits = createInboundLimits({ ...generous, maxConnections: 1 }, manualClock());
    expect(limits.accept('a')).toBe(true);
    expect(limits.accept('b')).toBe(false);
    limits.closed();
    expect(limits.accept('b')).toBe(true);
  });

  it('let so many handshakes run, so many wait in order, and refuse the rest', async () => {
    const limits = createInboundLimits(generous, manualClock());
    const first = await limits.handshake('a');
    await limits.handshake('b');
    const order: string[] = [];
    const third = limits.handshake('c').then((release) => {
      order.push('c');
      return release;
    });
    const fourth = limits.handshake('d').then(() => order.push('d'));
    expect(await limits.handshake('e')).toBeUndefined();
    expect(order).toEqual([]);
    first?.();
    first?.();
    const release = await third;
    expect(order).toEqual(['c']);
    release?.();
    await fourth;
    expect(order).toEqual(['c', 'd']);
  });

  it('bound the handshakes of one address, waiting ones among them', async () => {
    const limits = createInboundLimits({ ...generous, maxWaitingHandshakes: 10 }, manualClock());
    await limits.handshake('a');
    await limits.handshake('a');
    void limits.handshake('a');
    expect(await limits.handshake('a')).toBeUndefined();
  });
});
