import type { EventBuffer } from '../../audit/event-buffer.ts';
import { type Cancel, type Clock, every } from '../../runtime/clock.ts';
import type { Ended, Service } from '../../runtime/service.ts';
import type { Journal } from './journal.ts';

const flushEveryMs = 60_000;

/** Writes summaries each minute; at the end writes the last ones and hands everything that is left to the authority. */
export function journalService(journal: Journal, events: EventBuffer, clock: Clock): Service {
  const ended = Promise.withResolvers<Ended>();
  let cancel: Cancel = () => undefined;
  return {
    name: 'journal',
    ended: ended.promise,
    start() {
      cancel = every(clock, flushEveryMs, () => journal.flush(), { unref: true });
      return Promise.resolve();
    },
    async stop() {
      cancel();
      journal.flush();
      await events.flush();
      events.stop();
      ended.resolve({ by: 'stop' });
    },
  };
}
