import { afterEach, describe, expect, it } from 'vitest';
import type { Destination } from '../../authority/client/messages.ts';
import { type ManualClock, manualClock } from '../../test/builders/manual-clock.ts';
import { type Sweep, startSweep } from '../sweep.ts';
import { createDirectory, type Directory } from './directory.ts';

const destination = (key: string, kind: Destination['kind'] = 'mesh', generation = 1): Destination => ({
  key,
  generation,
  kind,
  endpoints: [],
});

interface Setting {
  readonly directory: Directory;
  readonly clock: ManualClock;
  readonly told: string[];
  isUp: boolean;
}

let sweep: Sweep | undefined;
afterEach(() => sweep?.stop());

function begin(): Setting {
  const clock = manualClock();
  sweep = startSweep(clock);
  const setting: Setting = {
    clock,
    told: [],
    isUp: true,
    directory: createDirectory({
      follow(keys, drop) {
        setting.told.push(...keys.map((key) => `+${key}`), ...drop.map((key) => `-${key}`));
        return setting.isUp ? Promise.resolve() : Promise.reject(new Error('no stream'));
      },
      clock,
      sweep,
    }),
  };
  return setting;
}

describe('directory', () => {
  it('subscribes a key on first use and answers from what it knows afterwards', async () => {
    const { directory, told } = begin();
    const first = directory.lookup('a');
    const second = directory.lookup('a');
    directory.accept(destination('a'));
    expect(await first).toMatchObject({ kind: 'known', destination: { key: 'a' } });
    expect(await second).toMatchObject({ kind: 'known' });
    await directory.lookup('a');
    expect(told).toEqual(['+a']);
  });

  it('replaces an entry by every push, and ignores keys nobody asked for', async () => {
    const { directory } = begin();
    void directory.lookup('a');
    directory.accept(destination('a'));
    directory.accept(destination('a', 'mesh', 2));
    directory.accept(destination('b'));
    expect(await directory.lookup('a')).toMatchObject({ destination: { generation: 2 } });
    expect(directory.size()).toBe(1);
  });

  it('is unavailable for a key never seen when no answer comes within two seconds', async () => {
    const { directory, clock } = begin();
    const answer = directory.lookup('a');
    await clock.advance(1_900);
    expect(directory.size()).toBe(1);
    await clock.advance(200);
    expect(await answer).toEqual({ kind: 'unavailable' });
    expect(directory.size()).toBe(0);
  });

  it('serves what it knows while the authority is away', async () => {
    const setting = begin();
    void setting.directory.lookup('a');
    setting.directory.accept(destination('a'));
    setting.isUp = false;
    await setting.clock.advance(9 * 60_000);
    expect(await setting.directory.lookup('a')).toMatchObject({ kind: 'known' });
  });

  it('subscribes everything again on a new stream', async () => {
    const { directory, told } = begin();
    void directory.lookup('a');
    void directory.lookup('b');
    directory.accept(destination('a'));
    directory.resubscribe();
    expect(told).toEqual(['+a', '+b', '+a', '+b']);
    await Promise.resolve();
  });

  it.each([
    { kind: 'unknown' as const, keptMs: 30_000 },
    { kind: 'outside' as const, keptMs: 5 * 60_000 },
    { kind: 'mesh' as const, keptMs: 10 * 60_000 },
  ])('keeps an unused answer `$kind` for $keptMs ms', async ({ kind, keptMs }) => {
    const { directory, clock, told } = begin();
    void directory.lookup('a');
    directory.accept(destination('a', kind));
    await clock.advance(keptMs - 1_000);
    expect(directory.size()).toBe(1);
    await clock.advance(2_000);
    expect(directory.size()).toBe(0);
    expect(told.at(-1)).toBe('-a');
  });

  it('asks for at most 100 new keys in a second', async () => {
    const { directory, told, clock } = begin();
    const answers = Array.from({ length: 101 }, (_, index) => directory.lookup(`k${index}`));
    expect(told).toHaveLength(100);
    expect(await answers[100]).toEqual({ kind: 'unavailable' });
    await clock.advance(1_000);
    void directory.lookup('later');
    expect(told.at(-1)).toBe('+later');
  });

  it('asks anew when told that what it knows proved wrong', async () => {
    const { directory, told } = begin();
    void directory.lookup('a');
    directory.accept(destination('a'));
    const again = directory.refresh('a');
    directory.accept(destination('a', 'mesh', 2));
    expect(await again).toMatchObject({ destination: { generation: 2 } });
    expect(told.slice(1).toSorted()).toEqual(['+a', '-a']);
  });
});
