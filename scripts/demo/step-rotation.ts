import { z } from 'zod';
import { authorityLines } from './evidence.ts';
import type { Stage } from './stage.ts';
import { askApp, type RunningPod, type Workloads } from './step-workloads.ts';
import { pause } from './until.ts';

const bytes = 64 * 1024;
const perSecond = 52;
const loadResult = z.object({
  requests: z.int(),
  failed: z.int(),
  failures: z.record(z.string(), z.int()),
  seconds: z.number(),
});
const streamResult = z.object({
  ok: z.boolean(),
  sentBytes: z.int(),
  receivedBytes: z.int(),
  error: z.string().optional(),
});

export type LoadResult = z.infer<typeof loadResult>;

/** Requests at a steady rate from the application of `from`, each on a connection of its own, 64 KiB echoed and hashed. */
export async function load(from: RunningPod, seconds: number): Promise<LoadResult> {
  return loadResult.parse(
    await askApp(from, 'load', { url: `http://${from.address}:5000/echo`, perSecond, seconds, bytes }, seconds + 30),
  );
}

interface Stream {
  readonly from: number;
  readonly to: number;
  readonly ok: boolean;
  readonly error: string | undefined;
}

async function stream(pod: RunningPod, seconds: number): Promise<Stream> {
  const from = Date.now();
  const order = { url: `http://${pod.address}:5000/echo`, seconds, chunkBytes: 4096, everyMs: 50 };
  const { ok, error } = streamResult.parse(await askApp(pod, 'stream', order));
  return { from, to: Date.now(), ok, error };
}

/** Streams of 3.5 s, one begun every 1.5 s: whenever an SVID is replaced, one of them is under way, and ends before its SVIDs do. */
async function streams(pod: RunningPod, seconds: number): Promise<readonly Stream[]> {
  const running: Promise<Stream>[] = [];
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(1_500)) {
    running.push(stream(pod, 3.5));
  }
  return Promise.all(running);
}

/** (f) Lifetimes of 12 s: at least three rotations on each side under continuous load, no request lost, one stream across each rotation. */
export async function rotateUnderLoad(
  stage: Stage,
  authority: { readonly key: string },
  { fastWeb, fastOrders }: Workloads,
): Promise<() => void> {
  const seconds = 20.5;
  const began = Date.now();
  const [result, crossing] = await Promise.all([load(fastWeb, seconds), streams(fastWeb, seconds - 3)]);
  const ended = Date.now();
  const renewals = authorityLines(stage, authority).filter(
    ({ event, at }) => event === 'identity.renewed' && at.getTime() > began && at.getTime() < ended,
  );
  const of = (pod: RunningPod): readonly Date[] =>
    renewals.filter(({ podUid }) => podUid === pod.uid).map(({ at }) => at);
  const rotations = [of(fastWeb), of(fastOrders)];
  const counts = rotations.map(({ length }) => length);
  const crossed = rotations
    .flat()
    .filter((at) => crossing.some(({ from, to }) => from < at.getTime() && at.getTime() < to)).length;
  const broken = crossing.filter(({ ok }) => !ok);
  const late = rotations.flat().length - crossed;
  const held =
    result.failed === 0 && result.requests >= 500 && Math.min(...counts) >= 3 && broken.length === 0 && crossed >= 3;
  return () => {
    stage.narrator.heading('(f) SVIDs of 12 s rotate under load, and nobody notices');
    stage.narrator.outcome({
      step: 'f',
      by: 'fast-web',
      tried: `${result.requests} requests to fast-orders in ${result.seconds.toFixed(0)} s, each on its own connection, 64 KiB echoed and hashed`,
      happened: `${result.failed} failed; ${counts.join(' and ')} rotations; ${crossed} of them crossed by a stream, ${crossing.length - broken.length} of ${crossing.length} streams whole`,
      held,
      ...(held ? {} : { detail: JSON.stringify({ failures: result.failures, broken, late }) }),
      figures: {
        ...result,
        rotations: { fastWeb: counts[0], fastOrders: counts[1] },
        streams: crossing.length,
        streamsBroken: broken.length,
        crossed,
      },
    });
  };
}
