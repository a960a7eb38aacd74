import type { Clock } from '../runtime/clock.ts';
import type { EventSink } from './audit-recorder.ts';
import type { IssuanceRecorder } from './issuance/record.ts';
import { tokenBuckets } from './limits/token-bucket.ts';

const figures = { ratePerSecond: 10, burst: 200 } as const;
const toldAfterMs = 1_000;

/**
 * A recorder that writes only so many refusals of callers who have proven nothing, 10 a second after the first 200, and says within a second how many more there
 * were. Who may merely reach the port must fill neither disk nor queue: then no SVID could be recorded, and so none be issued. Refusals of an attested token are
 * bounded by the limits already, and all written.
 */
export function boundedDenials<Recorder extends IssuanceRecorder>(
  recorder: Recorder,
  { sink, clock }: { readonly sink: EventSink; readonly clock: Clock },
): Recorder {
  const buckets = tokenBuckets({ ...figures, clock });
  let unwritten: { count: number; readonly from: Date } | undefined;
  const tell = (): void => {
    const { count, from } = unwritten ?? { count: 0, from: clock.now() };
    unwritten = undefined;
    const event = { event: 'audit.events.lost', outcome: 'info', count, cause: 'unproven-refusals' } as const;
    // Nobody waits for it, and a log that cannot be written says so itself.
    sink.append({ ...event, from: from.toISOString(), to: clock.now().toISOString() }).catch(() => undefined);
  };
  return {
    ...recorder,
    denied(record) {
      if (record.facts.podUid !== undefined || buckets.take('') === 0) {
        return recorder.denied(record);
      }
      if (unwritten === undefined) {
        unwritten = { count: 0, from: clock.now() };
        clock.after(toldAfterMs, tell, { unref: true });
      }
      unwritten.count += 1;
      return Promise.resolve();
    },
  };
}
