import { describe, expect, it } from 'vitest';
import { manualClock } from '../test/builders/manual-clock.ts';
import type { Deadline } from './deadline.ts';
import { createLogger } from './logger.ts';
import type { Ended, Service } from './service.ts';
import { supervise } from './supervisor.ts';

/** Services that write down what happens to them, under a clock that the test moves. */
function town(limits: { readonly startTimeoutMs?: number; readonly stopTimeoutMs: number } = { stopTimeoutMs: 1_000 }) {
  const clock = manualClock();
  const diary: string[] = [];
  const lines: string[] = [];
  const logger = createLogger({ program: 'test', level: 'info', write: (line) => void lines.push(line) });

  function service(name: string, parts: { start?: Promise<void>; stop?: Promise<void> | (() => never) } = {}) {
    const ended = Promise.withResolvers<Ended>();
    const made: Service & { die(cause: unknown): void; signal?: AbortSignal; deadline?: Deadline } = {
      name,
      ended: ended.promise,
      async start(signal) {
        made.signal = signal;
        diary.push(`start ${name}`);
        await parts.start;
        diary.push(`ready ${name}`);
      },
      async stop(deadline) {
        made.deadline = deadline;
        diary.push(`stop ${name}`);
        await (typeof parts.stop === 'function' ? parts.stop() : parts.stop);
        diary.push(`quiet ${name}`);
        ended.resolve({ by: 'stop' });
      },
      die: (cause) => ended.resolve({ by: 'itself', cause }),
    };
    return made;
  }
  const run = (...services: Service[]) => supervise(services, { clock, logger, ...limits });
  return { clock, diary, lines, service, run };
}

const never = new Promise<void>(() => undefined);

describe('supervise', () => {
  it('starts in order, each when the one before is ready, and is ready after the last', async () => {
    const { clock, diary, service, run } = town();
    const gate = Promise.withResolvers<void>();
    const supervisor = run(service('a', { start: gate.promise }), service('b'));
    const started = supervisor.start();
    await clock.advance(0);
    expect(diary).toEqual(['start a']);
    expect(supervisor.isReady()).toBe(false);
    gate.resolve();
    await started;
    expect(diary).toEqual(['start a', 'ready a', 'start b', 'ready b']);
    expect(supervisor.isReady()).toBe(true);
  });

  it('stops in reverse, each when the one after is quiet, and is not ready from the first moment', async () => {
    const { clock, diary, service, run } = town();
    const gate = Promise.withResolvers<void>();
    const supervisor = run(service('a'), service('b', { stop: gate.promise }));
    await supervisor.start();
    diary.length = 0;
    const stopped = supervisor.stop();
    expect(supervisor.isReady()).toBe(false);
    await clock.advance(0);
    expect(diary).toEqual(['stop b']);
    gate.resolve();
    await stopped;
    expect(diary).toEqual(['stop b', 'quiet b', 'stop a', 'quiet a']);
    expect(await supervisor.ended).toEqual({});
  });

  it('stops once, however often it is asked', async () => {
    const { diary, service, run } = town();
    const supervisor = run(service('a'));
    await supervisor.start();
    await Promise.all([supervisor.stop(), supervisor.stop()]);
    await supervisor.stop();
    expect(diary.filter((entry) => entry === 'stop a')).toHaveLength(1);
  });

  it('stops everything when a service ends by itself, and tells the first cause', async () => {
    const { diary, lines, service, run } = town();
    const [a, b, c] = [service('a'), service('b'), service('c')];
    const supervisor = run(a, b, c);
    await supervisor.start();
    diary.length = 0;
    const cause = new Error('the disk is gone');
    b.die(cause);
    a.die(new Error('a consequence'));
    expect(await supervisor.ended).toEqual({ cause });
    expect(diary).toEqual(['stop c', 'quiet c', 'stop b', 'quiet b', 'stop a', 'quiet a']);
    expect(lines.filter((line) => line.includes('ended by itself'))).toHaveLength(1);
    expect(lines.join('')).toContain('the disk is gone');
  });

  it('makes a cause of its own where a service ended without one', async () => {
    const { service, run } = town();
    const a = service('a');
    const supervisor = run(a);
    await supervisor.start();
    a.die(undefined);
    expect((await supervisor.ended).cause).toMatchObject({ message: 'a ended by itself' });
  });

  it('stops what had started, itself included, when one cannot start, and rejects with why', async () => {
    const { diary, service, run } = town();
    const cause = new Error('port in use');
    const supervisor = run(service('a'), service('b', { start: Promise.reject(cause) }), service('c'));
    await expect(supervisor.start()).rejects.toBe(cause);
    expect(diary).toEqual(['start a', 'ready a', 'start b', 'stop b', 'quiet b', 'stop a', 'quiet a']);
    expect(await supervisor.ended).toEqual({ cause });
    expect(supervisor.isReady()).toBe(false);
  });

  it('gives up on a service that is not ready in time', async () => {
    const { clock, diary, service, run } = town({ startTimeoutMs: 500, stopTimeoutMs: 1_000 });
    const supervisor = run(service('a'), service('slow', { start: never }));
    const started = supervisor.start().then(
      () => 'started',
      (error: unknown) => error,
    );
    await clock.advance(499);
    expect(diary).not.toContain('stop slow');
    await clock.advance(1);
    expect(await started).toMatchObject({ message: 'start slow: not within 500 ms' });
    expect(diary.slice(-4)).toEqual(['stop slow', 'quiet slow', 'stop a', 'quiet a']);
  });

  it('stops while still starting: the one that starts too, none after it', async () => {
    const { clock, diary, service, run } = town();
    const supervisor = run(service('a'), service('slow', { start: never }), service('c'));
    const started = supervisor.start().then(
      () => 'started',
      (error: unknown) => error,
    );
    await clock.advance(0);
    await supervisor.stop();
    expect(await started).toMatchObject({ message: 'stopped while starting slow' });
    expect(diary).toEqual(['start a', 'ready a', 'start slow', 'stop slow', 'quiet slow', 'stop a', 'quiet a']);
    expect(await supervisor.ended).toEqual({});
  });

  it('tells the first of two causes, when a start fails as a consequence', async () => {
    const { clock, service, run } = town();
    const gate = Promise.withResolvers<void>();
    const a = service('a');
    const supervisor = run(a, service('slow', { start: gate.promise }));
    const started = supervisor.start().catch((error: unknown) => error);
    await clock.advance(0);
    const cause = new Error('lost');
    a.die(cause);
    gate.reject(new Error('a consequence'));
    expect(await started).toBe(cause);
    expect(await supervisor.ended).toEqual({ cause });
  });

  it('takes the failed start of a service that is being stopped for no failure', async () => {
    const { clock, service, run } = town();
    const gate = Promise.withResolvers<void>();
    const slow = service('slow', { start: gate.promise });
    const supervisor = run(slow);
    const started = supervisor.start().catch(() => 'not started');
    await clock.advance(0);
    const stopped = supervisor.stop();
    gate.reject(new Error('interrupted'));
    await Promise.all([started, stopped]);
    expect(await supervisor.ended).toEqual({});
  });

  it('ends the start with the cause of a service that died meanwhile', async () => {
    const { clock, service, run } = town();
    const a = service('a');
    const supervisor = run(a, service('slow', { start: never }));
    const started = supervisor.start().then(
      () => 'started',
      (error: unknown) => error,
    );
    await clock.advance(0);
    const cause = new Error('lost');
    a.die(cause);
    expect(await started).toBe(cause);
    expect(await supervisor.ended).toEqual({ cause });
  });

  it('starts nothing once it was stopped', async () => {
    const { diary, service, run } = town();
    const supervisor = run(service('a'));
    await supervisor.stop();
    await expect(supervisor.start()).rejects.toThrow('stopped before the start');
    expect(diary).toEqual([]);
  });

  it('leaves a service behind that does not stop by the deadline, and stops the others', async () => {
    const { clock, diary, lines, service, run } = town({ stopTimeoutMs: 1_000 });
    const hung = service('hung', { stop: never });
    const supervisor = run(service('a'), hung);
    await supervisor.start();
    const stopped = supervisor.stop();
    await clock.advance(400);
    expect(hung.deadline?.remainingMs()).toBe(600);
    await clock.advance(600);
    await stopped;
    expect(diary.slice(-3)).toEqual(['stop hung', 'stop a', 'quiet a']);
    expect(lines.join('')).toContain('stop hung: not within 1000 ms');
  });

  it('goes on stopping when one throws', async () => {
    const { diary, service, run } = town();
    const broken = service('broken', {
      stop: () => {
        throw new Error('broken');
      },
    });
    const supervisor = run(service('a'), broken);
    await supervisor.start();
    await supervisor.stop();
    expect(diary.at(-1)).toBe('quiet a');
  });

  it('aborts the signal of every service when all is over, not before', async () => {
    const { clock, service, run } = town();
    const gate = Promise.withResolvers<void>();
    const [a, b] = [service('a', { stop: gate.promise }), service('b')];
    const supervisor = run(a, b);
    await supervisor.start();
    const stopped = supervisor.stop();
    await clock.advance(0);
    expect(b.signal?.aborted).toBe(false);
    gate.resolve();
    await stopped;
    expect(a.signal?.aborted).toBe(true);
  });

  it('tells which services are up', async () => {
    const { clock, service } = town();
    const logger = createLogger({ program: 'test', level: 'silent', write: () => undefined });
    const up = new Map<string, boolean>();
    const [a, b] = [service('a'), service('b', { stop: never })];
    const onService = (name: string, isUp: boolean): void => void up.set(name, isUp);
    const supervisor = supervise([a, b], { clock, logger, stopTimeoutMs: 100, onService });
    await supervisor.start();
    expect(Object.fromEntries(up)).toEqual({ a: true, b: true });
    const stopped = supervisor.stop();
    expect(Object.fromEntries(up)).toEqual({ a: true, b: false });
    await clock.advance(100);
    await stopped;
    expect(Object.fromEntries(up)).toEqual({ a: false, b: false });
  });

  it('leaves no timer behind', async () => {
    const { clock, service, run } = town({ startTimeoutMs: 500, stopTimeoutMs: 500 });
    const supervisor = run(service('a'), service('b'));
    await supervisor.start();
    await supervisor.stop();
    expect(clock.pending()).toBe(0);
  });
});
