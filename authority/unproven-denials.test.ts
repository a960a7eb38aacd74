import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../audit/event.ts';
import { manualClock } from '../test/builders/manual-clock.ts';
import { auditRecorder } from './audit-recorder.ts';
import type { DenialRecord } from './issuance/record.ts';
import { boundedDenials } from './unproven-denials.ts';

const unproven: DenialRecord = {
  refusal: { reason: 'token-missing' },
  facts: { method: 'token-review' },
  requestedTtlSeconds: undefined,
  client: { address: '10.0.0.9', port: 4711 },
  traceId: 't',
};
const proven: DenialRecord = { ...unproven, facts: { method: 'token-review', podUid: 'u' } };

describe('refusals of callers who have proven nothing', () => {
  it('are written until there are too many, then counted and told once', async () => {
    const events: AuditEvent[] = [];
    const sink = { append: (event: AuditEvent) => Promise.resolve(void events.push(event)) };
    const clock = manualClock();
    const recorder = boundedDenials(auditRecorder(sink), { sink, clock });
    const deny = (count: number, record: DenialRecord) =>
      Promise.all(Array.from({ length: count }, () => recorder.denied(record)));
    await deny(1_000, unproven);
    await deny(3, proven);
    expect(events.map(({ event }) => event)).toEqual(Array.from({ length: 203 }, () => 'identity.denied'));
    await clock.advance(1_000);
    expect(events.slice(203)).toMatchObject([{ event: 'audit.events.lost', count: 800, cause: 'unproven-refusals' }]);
    await deny(11, unproven);
    await clock.advance(1_000);
    expect(events.slice(204).map(({ event }) => event)).toEqual([
      ...Array.from({ length: 10 }, () => 'identity.denied'),
      'audit.events.lost',
    ]);
  });
});
