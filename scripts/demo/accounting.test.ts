import { describe, expect, it } from 'vitest';
import { type AuditLine, account, type Evidence } from './accounting.ts';

let written = 0;
const line = (event: string, more: Partial<AuditLine> = {}): AuditLine => ({
  id: `id-${(written += 1)}`,
  at: new Date('2026-01-01T00:00:00Z'),
  authorityId: '',
  event,
  program: 'sidecar',
  podUid: 'u1',
  reason: '',
  serial: '',
  spiffeId: '',
  count: 1,
  ...more,
});

const id = 'spiffe://demo.example/ns/shop/sa/orders';
const denied = [
  line('access.denied', { reason: 'plaintext' }),
  line('access.denied', { reason: 'access-denied', count: 2 }),
];
const sound: Evidence = {
  killedAt: new Date('2026-01-01T00:10:00Z'),
  seen: [
    { serial: 'aa', spiffeId: id },
    { serial: 'bb', spiffeId: id },
  ],
  provoked: { plaintext: 1, 'access-denied': 2 },
  authority: [
    line('identity.issued', { program: 'authority', serial: 'aa', spiffeId: id }),
    line('identity.renewed', { program: 'authority', serial: 'bb', spiffeId: id }),
    ...denied,
  ],
  sidecars: [
    {
      pod: 'shop/orders',
      podUid: 'u1',
      refusals: { plaintext: 1, 'access-denied': 2 },
      connections: 7,
      svids: 2,
      lines: [...denied, line('access.summary', { count: 4 }), line('access.summary', { count: 3 })],
    },
  ],
};

describe('the accounting of step (h)', () => {
  it('finds nothing when wire, log and metrics agree', () => {
    expect(account(sound)).toEqual([]);
  });

  it('notices every single event removed from the authority’s log', () => {
    for (const missing of sound.authority) {
      expect(account({ ...sound, authority: sound.authority.filter((kept) => kept !== missing) })).not.toEqual([]);
    }
  });

  it('notices every single event removed from a sidecar’s log', () => {
    for (const sidecar of sound.sidecars) {
      for (const missing of sidecar.lines) {
        const lines = sidecar.lines.filter((kept) => kept !== missing);
        expect(account({ ...sound, sidecars: [{ ...sidecar, lines }] })).not.toEqual([]);
      }
    }
  });

  it('notices a certificate on the wire that another identity was recorded for', () => {
    expect(account({ ...sound, seen: [{ serial: 'aa', spiffeId: `${id}-other` }] })).toHaveLength(1);
  });

  it('notices a refusal that nobody provoked', () => {
    const { plaintext: _, ...provoked } = sound.provoked;
    expect(account({ ...sound, provoked })).toEqual(['1 refusals plaintext that nobody provoked']);
  });
});
