import { beforeAll, describe, expect, it } from 'vitest';
import { requireTrustDomain } from '../../spiffe/trust-domain.ts';
import type { TrustBundleStore } from '../bundles/ports.ts';
import { createAnchor } from '../keys/anchor.ts';
import { birthOfFirst } from '../keys/key-schedule.ts';
import { keyTimes } from '../keys/key-times.ts';

const now = new Date('2026-01-01T00:00:00.250Z');
const trustDomain = requireTrustDomain('prod.example');
const times = keyTimes(60_000);
const random = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size));
const entry = () => createAnchor({ birth: birthOfFirst('x509', now, 'none', times), trustDomain, times, random }).entry;

/** What every store of a `TrustBundle` does. `make`: an empty one. */
export function trustBundleStoreContract(name: string, make: () => Promise<TrustBundleStore>): void {
  describe(name, () => {
    let store: TrustBundleStore;
    const spec = { entries: [entry()], refreshHintSeconds: 300, sequenceBase: 7n };
    beforeAll(async () => {
      store = await make();
    });

    it('is empty, creates once, and gives back what was written to the millisecond', async () => {
      expect(await store.read()).toBeUndefined();
      const written = await store.write(spec, undefined);
      expect(written).toMatchObject({ ...spec, generation: 1, withdrawn: [] });
      expect(await store.read()).toEqual(written);
      expect(await store.write(spec, undefined)).toBe('conflict');
    });

    it('replaces by the version that was read only, counting generations', async () => {
      const before = await store.read();
      const next = { ...spec, entries: [...spec.entries, entry()] };
      const written = await store.write(next, before?.resourceVersion);
      expect(written).toMatchObject({ entries: { length: 2 }, generation: 2 });
      expect(await store.write(spec, before?.resourceVersion)).toBe('conflict');
      expect(await store.read()).toEqual(written);
    });

    it('keeps withdrawn ids in its status, which is no change of content', async () => {
      await store.writeStatus([
        { id: 'aabbccdd', state: 'withdrawn' },
        { id: spec.entries[0]?.id ?? '', state: 'current', activatedAt: now },
      ]);
      expect(await store.read()).toMatchObject({ generation: 2, withdrawn: ['aabbccdd'], entries: { length: 2 } });
    });
  });
}
