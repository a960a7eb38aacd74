import { afterEach, describe, expect, it } from 'vitest';
import { requireParsed } from '../../runtime/parsed.ts';
import { type ManualClock, manualClock } from '../../test/builders/manual-clock.ts';
import { obtainedFrom } from '../../test/builders/obtained-svid.ts';
import { createTestAuthority } from '../../test/builders/test-authority.ts';
import { checkReceivedSvid } from '../identity/received-svid.ts';
import { createSvidStore, type HeldSvid, type SvidStore } from '../identity/svid-store.ts';
import { createTlsContexts, type TlsContexts, type TlsGeneration } from './contexts.ts';
import { proveOpensslVerdict } from './self-test.ts';

const authority = createTestAuthority({ trustDomain: 'td-a' });
const bundles = authority.bundles;

function svid(): HeldSvid {
  return requireParsed(checkReceivedSvid(obtainedFrom(authority), authority.trustDomain, new Date()));
}

let contexts: TlsContexts | undefined;
afterEach(() => contexts?.stop());

function begin(): { store: SvidStore; clock: ManualClock; contexts: TlsContexts; built: TlsGeneration[] } {
  const store = createSvidStore();
  const clock = manualClock(new Date());
  const made = createTlsContexts(store, clock);
  contexts = made;
  const built: TlsGeneration[] = [];
  made.onChange((generation) => built.push(generation));
  return { store, clock, contexts: made, built };
}

describe('svid store', () => {
  it('ignores bundles before the first SVID, and of no higher sequence', () => {
    const store = createSvidStore();
    store.acceptBundles({ bundles, sequence: 9n });
    expect(store.current()).toBeUndefined();
    store.acceptSvid(svid(), { bundles, sequence: 5n });
    const held = store.current();
    store.acceptBundles({ bundles: new Map(), sequence: 5n });
    store.acceptBundles({ bundles: new Map(), sequence: 4n });
    expect(store.current()).toBe(held);
  });

  it('takes a new SVID but keeps the newer bundles when it comes with older ones', () => {
    const store = createSvidStore();
    store.acceptSvid(svid(), { bundles, sequence: 5n });
    const next = svid();
    store.acceptSvid(next, { bundles: new Map(), sequence: 4n });
    expect(store.current()).toMatchObject({ svid: next, bundles, sequence: 5n, generation: 2 });
  });
});

describe('TLS contexts', () => {
  it('are built at once for the first SVID, and later gather changes for 100 ms', async () => {
    const { store, clock, contexts: made, built } = begin();
    expect(made.current()).toBeUndefined();
    store.acceptSvid(svid(), { bundles, sequence: 1n });
    expect(built).toHaveLength(1);
    store.acceptSvid(svid(), { bundles, sequence: 1n });
    const last = svid();
    store.acceptSvid(last, { bundles, sequence: 1n });
    await clock.advance(90);
    expect(built).toHaveLength(1);
    await clock.advance(20);
    expect(built).toHaveLength(2);
    expect(made.current()?.snapshot.svid).toBe(last);
  });
});

describe('start-up self-test', () => {
  it('passes on this Node: a known chain is trusted at both ends, an unknown one is not', async () => {
    const { store, contexts: made } = begin();
    store.acceptSvid(svid(), { bundles, sequence: 1n });
    const generation = made.current();
    expect(generation).toBeDefined();
    await (generation === undefined
      ? Promise.reject(new Error('no contexts'))
      : proveOpensslVerdict(generation, '127.0.0.1'));
  });

  it('fails where our own SVID is not trusted by our own anchors', async () => {
    const { store, contexts: made } = begin();
    store.acceptSvid(svid(), { bundles: createTestAuthority({ trustDomain: 'td-a' }).bundles, sequence: 1n });
    const generation = made.current();
    const proof = generation === undefined ? Promise.resolve() : proveOpensslVerdict(generation, '127.0.0.1');
    await expect(proof).rejects.toMatchObject({ code: 'tls-self-test' });
  });
});
