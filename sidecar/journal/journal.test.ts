import { describe, expect, it } from 'vitest';
import { type AuditEvent, auditEvent } from '../../audit/event.ts';
import { createLogger } from '../../runtime/logger.ts';
import { createRegistry } from '../../runtime/metrics.ts';
import { requireSpiffeId } from '../../spiffe/spiffe-id.ts';
import { metricIn } from '../../test/builders/data-plane.ts';
import { type ManualClock, manualClock } from '../../test/builders/manual-clock.ts';
import { sidecarMetrics } from '../metrics.ts';
import type { Peer } from '../tls/peer.ts';
import type { ConnectionFacts } from './connection-record.ts';
import { createJournal, type Journal } from './journal.ts';

const peer = (serial: string, id = 'spiffe://td/web'): Peer => ({
  spiffeId: requireSpiffeId(id),
  serial,
  leafSha256: 'ab',
  notAfter: new Date(0),
  chain: [],
});

const facts = (change: Partial<ConnectionFacts> = {}): ConnectionFacts => ({
  direction: 'inbound',
  port: 8080,
  client: { address: '10.0.0.1', port: 1 },
  own: 'spiffe://td/orders',
  mode: 'enforce',
  policyGeneration: 1,
  bundleSequence: '1',
  peer: peer('01'),
  connectionId: 'c1',
  ...change,
});

interface Setting {
  readonly journal: Journal;
  readonly events: AuditEvent[];
  readonly clock: ManualClock;
  metric(name: string): Promise<number>;
  carry(change?: Partial<ConnectionFacts>): (end: 'eof') => void;
}

function begin(): Setting {
  const registry = createRegistry({ program: 'sidecar', version: 'test' });
  const clock = manualClock();
  const events: AuditEvent[] = [];
  const logger = createLogger({ program: 'sidecar', level: 'silent', write: () => undefined });
  const append = (event: AuditEvent): void => void events.push(auditEvent.parse(event));
  const journal = createJournal({ append, metrics: sidecarMetrics(registry), clock, logger });
  return {
    journal,
    events,
    clock,
    metric: async (name) => metricIn(await registry.print(), `sallyport_${name}`, {}),
    carry: (change = {}) =>
      journal.opened({
        facts: facts(change),
        kind: 'mtls',
        bytes: () => ({ sent: 2, received: 3 }),
        openedAtMs: clock.monotonicMs(),
      }),
  };
}

const named = (events: readonly AuditEvent[], name: AuditEvent['event']): AuditEvent[] =>
  events.filter(({ event }) => event === name);

describe('journal', () => {
  it('counts every connection once, in metric and summary, and records a sample in full', async () => {
    const { journal, events, metric, carry } = begin();
    for (let index = 0; index < 250; index += 1) {
      carry()('eof');
    }
    journal.flush();
    expect(named(events, 'access.granted')).toHaveLength(3);
    expect(named(events, 'access.summary')).toMatchObject([
      { connections: 250, refusals: 0, bytes: { in: 500, out: 750 } },
    ]);
    expect(await metric('connections_total')).toBe(250);
    expect(await metric('connections_open')).toBe(0);
  });

  it('records the first connection of every SVID, so that no serial is missing', () => {
    const { events, carry } = begin();
    for (const serial of ['01', '02', '01', '02', '03']) {
      carry({ peer: peer(serial) })('eof');
    }
    expect(named(events, 'access.granted').map((event) => ('peerSerial' in event ? event.peerSerial : ''))).toEqual([
      '01',
      '02',
      '03',
    ]);
  });

  it('takes bytes of an outbound connection the other way round', () => {
    const { events, carry } = begin();
    carry({ direction: 'outbound' })('eof');
    expect(events[0]).toMatchObject({ direction: 'outbound', bytes: { in: 3, out: 2 } });
  });

  it('ends an entry once, however often it is told', async () => {
    const { carry, metric } = begin();
    const end = carry();
    end('eof');
    end('eof');
    expect(await metric('connections_total')).toBe(1);
    expect(await metric('connections_open')).toBe(0);
  });

  it('records a connection that lives on, and not again at its end', async () => {
    const { journal, events, clock, carry } = begin();
    const end = carry();
    await clock.advance(60_000);
    journal.flush();
    expect(named(events, 'access.granted')).toHaveLength(1);
    expect(named(events, 'access.summary')).toHaveLength(0);
    end('eof');
    journal.flush();
    expect(named(events, 'access.granted')).toHaveLength(1);
    expect(named(events, 'access.summary')).toMatchObject([{ connections: 1, longestMs: 60_000 }]);
  });

  it('folds equal refusals beyond ten a minute, tells different ones apart, and loses none', async () => {
    const { journal, events, metric } = begin();
    for (let index = 0; index < 15; index += 1) {
      journal.refused(facts(), { reason: 'access-denied' });
    }
    journal.refused(facts({ port: 9090 }), { reason: 'access-denied' });
    journal.refused(facts({ peer: peer('01', 'spiffe://td/other') }), { reason: 'access-denied' });
    journal.flush();
    journal.refused(facts(), { reason: 'access-denied' });
    journal.flush();
    const denied = named(events, 'access.denied');
    expect(denied).toHaveLength(10 + 1 + 1 + 1 + 1);
    const total = denied.reduce((sum, event) => sum + ('count' in event ? (event.count ?? 1) : 1), 0);
    expect(total).toBe(18);
    expect(await metric('refusals_total')).toBe(18);
    const summarised = named(events, 'access.summary').reduce(
      (sum, event) => sum + ('refusals' in event ? event.refusals : 0),
      0,
    );
    expect(summarised).toBe(18);
  });

  it('writes events that the vocabulary takes, however long the peer’s id is', () => {
    const { events, carry, journal } = begin();
    const long = peer('01', `spiffe://td/${'a'.repeat(2_000)}`);
    carry({ peer: long })('eof');
    journal.refused(facts({ peer: long }), { reason: 'access-denied', detail: 'x' });
    journal.flush();
    expect(events).toHaveLength(4);
  });
});
