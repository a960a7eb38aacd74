import { describe, expect, it } from 'vitest';
import { testReplica } from '../test/builders/audit.ts';
import { canonicalJson } from './canonical-json.ts';
import { emptyChain, lineDigest } from './chain.ts';
import { type AuditEvent, auditEvent, eventClass, recordStamp } from './event.ts';
import { longestRecord, recordLine } from './record.ts';
import { redacted } from './redact.ts';
import { ulid } from './ulid.ts';

const identity = { log: 'authority/uid-0', cluster: 'default', trustDomain: 'prod.example' };

const lineOf = (event: AuditEvent, onRedaction: () => void = () => undefined): string =>
  recordLine(
    {
      event,
      id: '01HZZZZZZZZZZZZZZZZZZZZZZZ',
      time: new Date('2026-01-01T00:00:00.007Z'),
      program: 'authority',
      replica: testReplica,
    },
    emptyChain,
    identity,
    onRedaction,
  );

const exemption = (scope: readonly string[]): AuditEvent => ({
  event: 'exemption.approved',
  outcome: 'granted',
  exemption: 'auditors',
  rules: ['workload-ceiling'],
  scope: [...scope],
});

describe('recordLine', () => {
  it('is the canonical JSON of event and stamp', () => {
    const line = lineOf(exemption(['a']));
    expect(canonicalJson(JSON.parse(line))).toBe(line);
    expect(line).toContain('"time":"2026-01-01T00:00:00.007000Z"');
    expect(recordStamp.parse(JSON.parse(line))).toMatchObject({ seq: 0, prev: '0'.repeat(64), ...identity });
  });

  it('cuts nothing that fits', () => {
    const line = lineOf(exemption(Array.from({ length: 30 }, () => 'x'.repeat(512))));
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(longestRecord);
    expect(line).not.toContain('truncated');
  });

  it('cuts lists that do not fit, says so, and keeps the digest of the whole event', () => {
    const event = exemption(Array.from({ length: 64 }, (_, index) => `${index} `.padEnd(512, 'x')));
    const line = lineOf(event);
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(longestRecord);
    expect(JSON.parse(line)).toMatchObject({ truncated: true, wholeSha256: lineDigest(canonicalJson(event)) });
    expect(line).toContain('"0 xxx');
  });

  it('stays within 16,000 bytes at the longest event the vocabulary takes, control characters and all', () => {
    const long = '\u0001'.repeat(512);
    const id = `spiffe://prod.example/${'x'.repeat(2_000)}`;
    const event: AuditEvent = {
      event: 'access.plaintext',
      outcome: 'refused',
      reasonCode: long,
      principal: { kind: 'workload', spiffeId: id, serial: 'a'.repeat(128) },
      target: { kind: long, namespace: long, name: long, uid: long },
      correlation: { traceId: long, spanId: long, admissionUid: long, decisionId: long, connectionId: long },
      client: { address: long, port: 1 },
      policyRev: long,
      direction: 'inbound',
      connectionId: long,
      peer: id,
      own: id,
      destination: long,
      endpoint: long,
      policy: long,
      mode: long,
      tlsGroup: long,
      detail: long,
      end: long,
      exception: long,
      unproven: long,
      peerSha256: 'b'.repeat(64),
    };
    const line = lineOf(auditEvent.parse(event));
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(longestRecord);
    expect(line).toContain(`"peerSha256":"${'b'.repeat(64)}"`);
    expect(recordStamp.safeParse(JSON.parse(line)).success).toBe(true);
  });

  it('lets no event speak for the log', () => {
    const stamped = Object.keys(recordStamp.shape);
    for (const { shape } of auditEvent.options) {
      expect([shape.event.value, ...Object.keys(shape).filter((name) => stamped.includes(name))]).toEqual([
        shape.event.value,
      ]);
    }
  });

  const canaries: readonly (readonly [what: string, text: string])[] = [
    ['a JSON Web Token', `Bearer eyJhbGciOiJFUzI1NiJ9.${'a'.repeat(40)}.${'b'.repeat(40)}`],
    ['a private key', '-----BEGIN EC PRIVATE KEY-----\nMHcCAQ'],
    ['a certificate', '-----BEGIN CERTIFICATE-----'],
    ['a Vault token', `hvs.${'C'.repeat(24)}`],
    ['an AWS access key', `AKIA${'Q'.repeat(16)}`],
    ['a GitHub token', `ghp_${'d'.repeat(36)}`],
  ];
  it.each(canaries)('replaces %s wherever it stands, and counts it', (_what, text) => {
    let count = 0;
    const line = lineOf({ ...exemption([text]), target: { kind: 'Pod', name: text } }, () => (count += 1));
    expect(line).not.toContain(text.slice(-12));
    expect(JSON.parse(line)).toMatchObject({ scope: [redacted], target: { name: redacted } });
    expect(count).toBe(2);
  });
});

describe('auditEvent', () => {
  it('takes no member that is not of the vocabulary', () => {
    expect(auditEvent.safeParse({ ...exemption([]), token: 'x' }).success).toBe(false);
    expect(auditEvent.safeParse({ event: 'exemption.granted', outcome: 'info' }).success).toBe(false);
  });

  it('takes the longest SPIFFE ID whole, and cuts longer names instead of refusing the event', () => {
    const spiffeId = `spiffe://${'d'.repeat(255)}/${'x'.repeat(1_783)}`;
    const event = { event: 'identity.discarded', outcome: 'info', serial: 'ab', spiffeId, policyRev: 'é'.repeat(600) };
    expect(auditEvent.parse(event)).toMatchObject({ spiffeId, policyRev: `${'é'.repeat(511)}…` });
  });

  it('cuts a name between, never within, a surrogate pair', () => {
    const event = auditEvent.parse({ ...exemption([]), policyRev: '😀'.repeat(300) });
    expect(event.policyRev?.isWellFormed()).toBe(true);
  });

  it('makes every grant durable before the answer', () => {
    const durable = auditEvent.options.map(({ shape }) => shape.event.value).filter((name) => eventClass(name) === 'S');
    expect(durable).toEqual(
      expect.arrayContaining(['identity.issued', 'identity.renewed', 'exemption.approved', 'exemption.used']),
    );
  });
});

describe('ulid', () => {
  it('has 26 characters, time first', () => {
    const zeros = (size: number): Uint8Array => new Uint8Array(size);
    const ones = (size: number): Uint8Array => new Uint8Array(size).fill(255);
    expect(ulid(new Date(0), zeros)).toBe('0'.repeat(26));
    expect(ulid(new Date(1_469_918_176_385), zeros).slice(0, 10)).toBe('01ARYZ6S41');
    expect(ulid(new Date(0), ones)).toBe(`${'0'.repeat(10)}${'Z'.repeat(16)}`);
  });

  it('sorts by time', () => {
    const ones = (size: number): Uint8Array => new Uint8Array(size).fill(255);
    const zeros = (size: number): Uint8Array => new Uint8Array(size);
    expect(ulid(new Date(1_000), ones) < ulid(new Date(1_001), zeros)).toBe(true);
  });
});
