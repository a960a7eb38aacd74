import { describe, expect, it } from 'vitest';
import { manualClock } from '../test/builders/manual-clock.ts';
import { sleep } from './clock.ts';
import { deadlineIn } from './deadline.ts';
import { type LoopContext, loopService } from './loop-service.ts';

const clock = manualClock();
const deadline = deadlineIn(clock, 1_000);
const untilAborted = ({ signal }: LoopContext): Promise<unknown> => sleep(clock, 1e9, signal);

describe('loopService', () => {
  it('is started when the loop says it is ready', async () => {
    const gate = Promise.withResolvers<void>();
    const service = loopService('loop', async (context) => {
      await gate.promise;
      context.ready();
      await untilAborted(context);
    });
    let isStarted = false;
    const started = service.start(new AbortController().signal).then(() => {
      isStarted = true;
    });
    await clock.advance(0);
    expect(isStarted).toBe(false);
    gate.resolve();
    await started;
    await service.stop(deadline);
  });

  it('stops by aborting the loop and waits for it to finish', async () => {
    const diary: string[] = [];
    const service = loopService('loop', async (context) => {
      context.ready();
      await untilAborted(context);
      await clock.advance(0);
      diary.push('tidied up');
    });
    await service.start(new AbortController().signal);
    await service.stop(deadline);
    expect(diary).toEqual(['tidied up']);
    expect(await service.ended).toEqual({ by: 'stop' });
  });

  it('ends by itself with the cause when the loop throws', async () => {
    const cause = new Error('lost');
    const service = loopService('loop', async ({ ready }) => {
      ready();
      await clock.advance(0);
      throw cause;
    });
    await service.start(new AbortController().signal);
    expect(await service.ended).toEqual({ by: 'itself', cause });
  });

  it('ends by itself when the loop returns unasked, and cannot have started', async () => {
    const service = loopService('loop', () => Promise.resolve());
    await expect(service.start(new AbortController().signal)).rejects.toThrow('loop ended');
    expect(await service.ended).toMatchObject({ by: 'itself' });
  });

  it('ends its start when it is stopped before it was ready', async () => {
    const service = loopService('loop', async (context) => void (await untilAborted(context)));
    const started = service.start(new AbortController().signal).then(
      () => 'started',
      () => 'gave up',
    );
    await service.stop(deadline);
    expect(await started).toBe('gave up');
  });

  it('stops at the abort of the signal it was started with', async () => {
    const abort = new AbortController();
    const service = loopService('loop', async (context) => {
      context.ready();
      await untilAborted(context);
    });
    await service.start(abort.signal);
    abort.abort();
    expect(await service.ended).toEqual({ by: 'stop' });
  });

  it('is over at once when stopped before it was started', async () => {
    const service = loopService('loop', () => Promise.resolve());
    await service.stop(deadline);
    expect(await service.ended).toEqual({ by: 'stop' });
  });
});
