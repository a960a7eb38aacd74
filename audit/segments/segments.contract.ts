import { describe, expect, it } from 'vitest';
import type { Segments } from './segments.ts';

/** One place where lines lie, as it is opened again and again, and what stands there. */
export interface SegmentsHome {
  open(): Segments;
  lines(): Promise<readonly string[]>;
}

/** What every implementation of `Segments` promises. */
export function segmentsContract(name: string, makeHome: () => Promise<SegmentsHome>): void {
  describe(name, () => {
    it('begins empty and whole', async () => {
      const segments = (await makeHome()).open();
      expect(await segments.open()).toEqual({ lastLine: undefined, torn: false });
      await segments.close();
    });

    it('has a line as soon as it is written, in order, before any sync', async () => {
      const home = await makeHome();
      const segments = home.open();
      await segments.open();
      await segments.write(['a', 'b'], 0);
      await segments.write(['ç €'], 2);
      expect(await home.lines()).toEqual(['a', 'b', 'ç €']);
      await segments.close();
    });

    it('tells whoever opens it again the last line, and goes on behind it', async () => {
      const home = await makeHome();
      const first = home.open();
      await first.open();
      await first.write(['a', 'ç €'], 0);
      await first.sync();
      await first.close();
      const second = home.open();
      expect(await second.open()).toEqual({ lastLine: 'ç €', torn: false });
      await second.write(['c'], 2);
      await second.close();
      expect(await home.lines()).toEqual(['a', 'ç €', 'c']);
    });

    it('may be opened again after a close, as after a failure', async () => {
      const segments = (await makeHome()).open();
      await segments.open();
      await segments.write(['a'], 0);
      await segments.close();
      expect(await segments.open()).toEqual({ lastLine: 'a', torn: false });
      await segments.close();
    });

    it('may be closed twice, and synced when nothing was written', async () => {
      const segments = (await makeHome()).open();
      await segments.open();
      await segments.sync();
      await segments.close();
      await segments.close();
    });
  });
}
