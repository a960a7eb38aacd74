import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { requireSpiffeId } from '../../spiffe/spiffe-id.ts';
import { attestedPod } from '../../test/builders/attested-pod.ts';
import { type ManualClock, manualClock } from '../../test/builders/manual-clock.ts';
import type { AttestedPod } from '../attestation/ports.ts';
import { type StreamMessage, streamMessage } from '../client/messages.ts';
import type { Caller } from './caller.ts';
import { createStreams, type StreamSink, type StreamSources } from './workload-streams.ts';

const pod = attestedPod();

function callerAt(clock: ManualClock, lifeMs = 60_000): Caller {
  const notAfter = new Date(clock.now().getTime() + lifeMs);
  return { pod, svid: { spiffeId: requireSpiffeId('spiffe://prod.example/ns/prod/sa/web'), serial: '01', notAfter } };
}

interface Reader extends StreamSink {
  readonly got: StreamMessage[];
  hasEnded: boolean;
  isSlow: boolean;
}

function reader(): Reader {
  const got: StreamMessage[] = [];
  return {
    got,
    hasEnded: false,
    isSlow: false,
    write(line) {
      if (!this.isSlow) {
        got.push(streamMessage.parse(JSON.parse(line)));
      }
      return !this.isSlow;
    },
    end() {
      this.hasEnded = true;
    },
  };
}

function scene(maximum = 10) {
  const clock = manualClock();
  const world: { sequence: string; mode: 'enforce' | 'audit'; pod: AttestedPod | undefined; kind: 'mesh' | 'unknown' } =
    { sequence: '1', mode: 'enforce', pod, kind: 'unknown' };
  const counts: number[] = [];
  const sources: StreamSources = {
    bundles: () => ({ type: 'bundles', sequence: world.sequence, bundles: {} }),
    policyOf: () => ({ access: { mode: world.mode, rules: [] }, networkPolicySeen: true }),
    lookUp: (key) => ({ key, kind: world.kind, endpoints: [] }),
    podOf: () => world.pod,
  };
  const random = (size: number): Uint8Array => new Uint8Array(size).fill(0x80);
  const streams = createStreams({
    sources,
    address: () => 'here:8443',
    maximum,
    splayMs: 5_000,
    onCount: (open) => counts.push(open),
    clock,
    random,
  });
  return { clock, world, counts, streams };
}

const types = ({ got }: Reader): string[] => got.splice(0).map(({ type }) => type);
const hello = z.object({ stream: z.string() });

describe('workload streams', () => {
  it('greet, say everything once, then only what is new, within the splay', async () => {
    const { clock, world, streams } = scene();
    const sink = reader();
    streams.open(callerAt(clock), sink);
    expect(types(sink)).toEqual(['hello', 'bundles', 'policy']);
    streams.refresh();
    await clock.advance(5_000);
    expect(types(sink)).toEqual([]);
    world.sequence = '2';
    streams.refresh();
    await clock.advance(2_000);
    expect(types(sink)).toEqual([]);
    await clock.advance(1_000);
    expect(types(sink)).toEqual(['bundles']);
    world.mode = 'audit';
    streams.refresh();
    streams.refresh();
    await clock.advance(5_000);
    expect(types(sink)).toEqual(['policy']);
  });

  it('beat every 15 s, end with the SVID, and count themselves', async () => {
    const { clock, counts, streams } = scene();
    const sink = reader();
    streams.open(callerAt(clock, 40_000), sink);
    await clock.advance(39_999);
    expect(types(sink).filter((type) => type === 'heartbeat')).toHaveLength(2);
    expect(sink.hasEnded).toBe(false);
    await clock.advance(1);
    expect(sink.hasEnded).toBe(true);
    expect([streams.count(), counts]).toEqual([0, [1, 0]]);
    expect(clock.pending()).toBe(0);
  });

  it('end when the pod is gone, and when the reader is too slow', async () => {
    const { clock, world, streams } = scene();
    const [one, slow] = [reader(), reader()];
    streams.open(callerAt(clock), one);
    streams.open(callerAt(clock), slow);
    slow.isSlow = true;
    await clock.advance(15_000);
    expect([one.hasEnded, slow.hasEnded]).toEqual([false, true]);
    world.pod = undefined;
    streams.refresh();
    await clock.advance(5_000);
    expect(one.hasEnded).toBe(true);
  });

  it('answer a key at once, again when it changes, and no more when it is dropped', async () => {
    const { clock, world, streams } = scene();
    const sink = reader();
    streams.open(callerAt(clock), sink);
    const { stream } = hello.parse(sink.got[0]);
    types(sink);
    streams.follow(stream, pod.uid, ['a:1'], []);
    expect(sink.got.splice(0)).toMatchObject([{ type: 'destination', destination: { key: 'a:1', kind: 'unknown' } }]);
    world.kind = 'mesh';
    streams.refresh();
    await clock.advance(5_000);
    expect(sink.got.splice(0)).toMatchObject([{ destination: { kind: 'mesh' } }]);
    streams.follow(stream, pod.uid, [], ['a:1']);
    world.kind = 'unknown';
    streams.refresh();
    await clock.advance(5_000);
    expect(types(sink)).toEqual([]);
  });

  it('serve nobody else’s stream, not too many keys, nor too many streams', () => {
    const { clock, streams } = scene(1);
    const sink = reader();
    streams.open(callerAt(clock), sink);
    const { stream } = hello.parse(sink.got[0]);
    expect(streams.follow(stream, 'another pod', ['a:1'], [])).toMatchObject({ refusal: { reason: 'unknown-stream' } });
    expect(streams.has(stream, 'another pod')).toBe(false);
    const keys = Array.from({ length: 10_001 }, (_, index) => `a:${index}`);
    expect(streams.follow(stream, pod.uid, keys, [])).toMatchObject({ refusal: { reason: 'rate-limited' } });
    expect(streams.open(callerAt(clock), reader())).toMatchObject({ refusal: { reason: 'overloaded' } });
  });

  it('leave room for others: of one pod’s, the oldest ends when it opens a fifth', () => {
    const { clock, streams } = scene();
    const [first, ...others] = Array.from({ length: 5 }, reader);
    const stranger = reader();
    streams.open({ ...callerAt(clock), pod: attestedPod({ uid: 'another' }) }, stranger);
    for (const sink of [first, ...others]) {
      streams.open(callerAt(clock), sink ?? reader());
    }
    expect([first?.hasEnded, ...others.map(({ hasEnded }) => hasEnded)]).toEqual([true, false, false, false, false]);
    expect([stranger.hasEnded, streams.count()]).toEqual([false, 5]);
  });

  it('never give a policy an older generation than one given before, also in the next process', async () => {
    const generationOf = ({ got }: Reader): number =>
      Math.max(...got.flatMap((message) => (message.type === 'policy' ? [message.generation] : [])));
    const first = scene();
    const before = reader();
    first.streams.open(callerAt(first.clock), before);
    const second = scene();
    await second.clock.advance(2_000);
    const later = createStreams({
      sources: {
        bundles: () => undefined,
        policyOf: () => ({ access: { mode: 'warn', rules: [] }, networkPolicySeen: true }),
        lookUp: (key) => ({ key, kind: 'unknown', endpoints: [] }),
        podOf: () => pod,
      },
      address: () => 'x',
      maximum: 1,
      splayMs: 0,
      onCount: () => undefined,
      clock: second.clock,
      random: (size) => new Uint8Array(size),
    });
    const after = reader();
    later.open(callerAt(second.clock), after);
    expect(generationOf(after)).toBeGreaterThan(generationOf(before));
  });
});
