import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AuditEvent } from '../audit/event.ts';
import { deadlineIn } from '../runtime/deadline.ts';
import { createLogger } from '../runtime/logger.ts';
import { createRegistry } from '../runtime/metrics.ts';
import { requireTrustDomain } from '../spiffe/trust-domain.ts';
import { attestedPod } from '../test/builders/attested-pod.ts';
import { type ManualClock, manualClock } from '../test/builders/manual-clock.ts';
import type { AttestedPod } from './attestation/ports.ts';
import { auditRecorder } from './audit-recorder.ts';
import { sequenceOf } from './bundles/bundle-of.ts';
import type { StoredBundle } from './bundles/ports.ts';
import { type MemoryTrustBundleStore, memoryTrustBundleStore } from './cluster/memory-trust-bundle-store.ts';
import { createAnchor } from './keys/anchor.ts';
import { birthOfFirst } from './keys/key-schedule.ts';
import { keyTimes } from './keys/key-times.ts';
import { authorityMetrics } from './metrics.ts';
import { createTrust, type Trust } from './trust.ts';

const trustDomain = requireTrustDomain('prod.example');
const random = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size));
const minute = 60_000;
const hour = 60 * minute;
const times = keyTimes(minute);

interface Scene {
  readonly trust: Trust;
  readonly events: AuditEvent[];
  readonly alarms: unknown[];
  readonly caPems: Map<string, string>;
  metrics(): Promise<string>;
}

const started: { readonly trust: Trust; readonly clock: ManualClock }[] = [];
afterEach(async () => {
  for (const { trust, clock } of started.splice(0)) {
    const stopping = trust.service.stop(deadlineIn(clock, 1));
    await clock.advance(1);
    await stopping;
  }
});

/** One replica on a store that outlives it. */
async function replica(
  clock: ManualClock,
  store: MemoryTrustBundleStore,
  pods: readonly AttestedPod[] = [],
): Promise<Scene> {
  const events: AuditEvent[] = [];
  const alarms: unknown[] = [];
  const caPems = new Map<string, string>();
  const registry = createRegistry({ program: 'authority', version: 'test' });
  const logLine = z.looseObject({ level: z.string() });
  const trust = createTrust({
    trustDomain,
    times,
    refreshHintSeconds: 300,
    store,
    firstContactStore: {
      put(namespace, caPem) {
        caPems.set(namespace, caPem);
        return Promise.resolve();
      },
    },
    recorder: auditRecorder({
      append(event) {
        events.push(event);
        return Promise.resolve();
      },
    }),
    isHolder: () => true,
    optedIn: () => ['prod'],
    pods: () => pods,
    metrics: authorityMetrics(registry),
    clock,
    random,
    logger: createLogger({
      program: 'authority',
      level: 'error',
      write: (line) => alarms.push(logLine.parse(JSON.parse(line))),
    }),
  });
  started.push({ trust, clock });
  void trust.service.start(new AbortController().signal);
  await clock.advance(0);
  return { trust, events, alarms, caPems, metrics: registry.print };
}

const stateOf = ({ trust }: Scene): string => trust.signers.signer().kind;
const signerId = ({ trust }: Scene): string | undefined => {
  const state = trust.signers.signer();
  return state.kind === 'signer' ? state.signer.id : undefined;
};
const named = (events: readonly AuditEvent[], name: AuditEvent['event']): AuditEvent[] =>
  events.filter(({ event }) => event === name);

describe('founding', () => {
  it('of an empty domain makes a current and a next key, publishes both, signs at once and spreads the anchors', async () => {
    const store = memoryTrustBundleStore();
    const scene = await replica(manualClock(), store);
    expect(stateOf(scene)).toBe('signer');
    expect(store.stored()?.entries.map(({ fullLead }) => fullLead)).toEqual([false, true]);
    expect(store.status().map(({ state }) => state)).toEqual(['current', 'next']);
    expect(scene.caPems.get('prod')?.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(named(scene.events, 'bundle.changed')).toMatchObject([
      { source: 'founding', added: { length: 2 }, removed: [] },
    ]);
    expect(named(scene.events, 'authority.activated')).toHaveLength(1);
  });

  it('after a total loss takes the unexpired entries as they stand, and lets only its own SVID be signed', async () => {
    const clock = manualClock();
    const store = memoryTrustBundleStore();
    await replica(clock, store);
    const before = store.stored()?.entries ?? [];
    await clock.advance(minute);
    const scene = await replica(clock, store, [attestedPod()]);
    expect(store.stored()?.entries.slice(0, 2)).toEqual(before);
    expect(store.stored()?.entries).toHaveLength(4);
    expect(scene.trust.signers.signer()).toMatchObject({ kind: 'hold-down' });
    expect(await scene.metrics()).toContain('sallyport_hold_down 1\n');
    expect(scene.trust.signers.ownSigner()?.id).toBe(store.stored()?.entries[2]?.id);
    expect(scene.trust.publication.current()?.x509.authorities).toHaveLength(4);
  });

  it('ends the hold-down when 95 % of the running injected pods have loaded the new bundle, and not before', async () => {
    const clock = manualClock();
    const store = memoryTrustBundleStore();
    await replica(clock, store);
    const pods = Array.from({ length: 20 }, (_, index) => attestedPod({ uid: `uid-${index}`, name: `web-${index}` }));
    const waiting = attestedPod({ uid: 'pending', name: 'pending', phase: 'Pending' });
    const scene = await replica(clock, store, [...pods, waiting]);
    const sequence = scene.trust.publication.current()?.sequence ?? 0n;
    pods.slice(0, 18).forEach(({ uid }) => scene.trust.acknowledge(uid, sequence));
    scene.trust.acknowledge('uid-18', sequence - 1n);
    await clock.advance(times.beatMs);
    expect(stateOf(scene)).toBe('hold-down');
    scene.trust.acknowledge('uid-18', sequence);
    await clock.advance(0);
    expect(stateOf(scene)).toBe('signer');
    expect(await scene.metrics()).toContain('sallyport_hold_down 0\n');
    expect(store.status().find(({ id }) => id === signerId(scene))?.activatedAt).toBeInstanceOf(Date);
  });

  it('ends the hold-down after H, whoever is silent', async () => {
    const clock = manualClock();
    const store = memoryTrustBundleStore();
    await replica(clock, store);
    const scene = await replica(clock, store, [attestedPod()]);
    await clock.advance(times.holdDownMs - 1);
    expect(scene.trust.signers.signer()).toEqual({ kind: 'hold-down', retryAfterSeconds: 0.1 });
    await clock.advance(1);
    expect(stateOf(scene)).toBe('signer');
  });

  it('drops what has expired, and begins afresh when nothing else is left', async () => {
    const clock = manualClock();
    const store = memoryTrustBundleStore();
    await replica(clock, store);
    const before = store.stored()?.entries.map(({ id }) => id) ?? [];
    for (const { trust } of started.splice(0)) {
      void trust.service.stop(deadlineIn(clock, 1));
    }
    await clock.advance(12 * hour);
    const scene = await replica(clock, store, [attestedPod()]);
    expect(stateOf(scene)).toBe('signer');
    expect(named(scene.events, 'bundle.changed')).toMatchObject([{ removed: before }]);
  });

  it('starts over when somebody else wrote in between, and never loses their entries', async () => {
    const clock = manualClock();
    const store = memoryTrustBundleStore();
    await replica(clock, store);
    let isRaced = false;
    const raced: MemoryTrustBundleStore = {
      ...store,
      write(spec, resourceVersion) {
        if (!isRaced) {
          isRaced = true;
          store.overwrite((stored) => stored);
        }
        return store.write(spec, resourceVersion);
      },
    };
    await replica(clock, raced, [attestedPod()]);
    expect(isRaced).toBe(true);
    expect(store.stored()?.entries).toHaveLength(4);
  });

  it('in a loop never publishes more than sixteen, and withdraws for good those that stopped signing first', async () => {
    const clock = manualClock();
    const store = memoryTrustBundleStore();
    for (let loss = 0; loss < 10; loss += 1) {
      await replica(clock, store, [attestedPod()]);
      await clock.advance(1_000);
      for (const { trust } of started.splice(0)) {
        void trust.service.stop(deadlineIn(clock, 1));
      }
      await clock.advance(1_000);
      expect(store.stored()?.entries.length).toBeLessThanOrEqual(16);
    }
    const withdrawn = store.status().filter(({ state }) => state === 'withdrawn');
    expect(withdrawn.length).toBe(4);
    expect(store.stored()?.entries.some(({ id }) => withdrawn.some((one) => one.id === id))).toBe(false);
  });
});

describe('publication', () => {
  it('I3 the sequence grows with every change of content and only then', async () => {
    const clock = manualClock();
    const store = memoryTrustBundleStore();
    const { trust } = await replica(clock, store);
    const first = trust.publication.current()?.sequence;
    await clock.advance(10 * times.beatMs);
    expect(trust.publication.current()?.sequence).toBe(first);
    await clock.advance(3 * hour);
    expect(trust.publication.current()?.sequence).toBeGreaterThan(first ?? 0n);
  });

  it('removes an entry that is not of the ring, never hands it on, and raises an alarm', async () => {
    const clock = manualClock();
    const store = memoryTrustBundleStore();
    const scene = await replica(clock, store);
    const foreign = createAnchor({
      birth: birthOfFirst('x509', clock.now(), 'none', times),
      trustDomain,
      times,
      random,
    });
    const seen: number[] = [];
    scene.trust.publication.onChange(({ x509 }) => seen.push(x509.authorities.length));
    store.overwrite((stored) => ({ ...stored, entries: [...stored.entries, foreign.entry] }));
    await clock.advance(2 * times.beatMs);
    expect(store.stored()?.entries).toHaveLength(2);
    expect(seen.every((count) => count === 2)).toBe(true);
    expect(scene.alarms).toMatchObject([{ keyId: foreign.entry.id }]);
  });

  const damages: readonly (readonly [string, (stored: StoredBundle) => StoredBundle | undefined])[] = [
    ['a removed entry', (stored) => ({ ...stored, entries: stored.entries.slice(1) })],
    [
      'changed times',
      (stored) => ({ ...stored, entries: stored.entries.map((entry) => ({ ...entry, notAfter: new Date(0) })) }),
    ],
    ['a deletion', () => undefined],
    ['a restored older object', (stored) => ({ ...stored, generation: 0, sequenceBase: stored.sequenceBase - 9n })],
  ];
  it.each(damages)('puts %s right within two beats, with a higher sequence', async (_name, damage) => {
    const clock = manualClock();
    const store = memoryTrustBundleStore();
    const { trust } = await replica(clock, store);
    const entries = store.stored()?.entries;
    const sequence = trust.publication.current()?.sequence ?? 0n;
    await clock.advance(5_000);
    store.overwrite(damage);
    await clock.advance(2 * times.beatMs);
    const stored = store.stored();
    expect(stored?.entries).toEqual(entries);
    expect(stored !== undefined && sequenceOf(stored)).toBeGreaterThan(sequence);
  });

  it('signs on while the API server is silent', async () => {
    const clock = manualClock();
    const store = memoryTrustBundleStore();
    const scene = await replica(clock, store);
    store.setReachable(false);
    await clock.advance(4 * hour);
    expect(stateOf(scene)).toBe('signer');
  });
});

describe('rotation', () => {
  it('I1, I4, I5: over days there is always a signer, published and in time, and at most four anchors', async () => {
    const clock = manualClock();
    const store = memoryTrustBundleStore();
    const fast = await replica(clock, store);
    const signersSeen = new Set<string>();
    for (let step = 0; step < 28; step += 1) {
      await clock.advance(20 * minute);
      const id = signerId(fast);
      const entry = store.stored()?.entries.find((one) => one.id === id);
      expect(entry !== undefined && entry.activeFrom <= clock.now() && clock.now() < entry.signUntil).toBe(true);
      expect(store.stored()?.entries.length).toBeLessThanOrEqual(4);
      signersSeen.add(id ?? '');
    }
    expect(signersSeen.size).toBeGreaterThanOrEqual(3);
    expect(named(fast.events, 'authority.drained').length).toBeGreaterThan(0);
    expect(named(fast.events, 'authority.pruned').length).toBeGreaterThan(0);
    const held = fast.trust.keyring
      .keys()
      .filter(({ entry, privateKey }) => privateKey !== undefined && entry.signUntil <= clock.now());
    expect(held).toEqual([]);
  }, 30_000);
});
