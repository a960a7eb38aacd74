import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../audit/event.ts';
import { systemClock } from '../../runtime/clock.ts';
import { deadlineIn } from '../../runtime/deadline.ts';
import { createLogger } from '../../runtime/logger.ts';
import {
  creates,
  minimalClusterRoleBinding,
  minimalContainer,
  minimalExemption,
  minimalPod,
  minimalSecret,
  now,
  tweaked,
} from '../../test/builders/judgement.ts';
import { payments, settings } from '../../test/builders/verified-review.ts';
import { type AdmitOptions, createAdmit } from './admit.ts';
import type { Call } from './call.ts';
import { AdmissionFailure } from './failures.ts';
import { memoryCluster } from './memory-cluster.ts';
import type { AdmissionRequest } from './request.ts';

const leaky = tweaked(minimalPod, {
  spec: { containers: [{ ...minimalContainer, env: [{ name: 'DB_PASSWORD', value: 'correct-horse-9' }] }] },
});
const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'auditors' }];
const approved = tweaked(minimalExemption, {
  status: { approval: { decision: 'approved', by: 'bob', byUid: '', at: '2027-01-01T11:00:00Z', generation: 1 } },
});

/** The flow over a set of objects, with what it recorded. */
function desk(change: Partial<AdmitOptions> = {}) {
  const events: AuditEvent[] = [];
  const seen: string[] = [];
  const ports = memoryCluster([payments, approved]);
  const admit = createAdmit({
    ports,
    settings,
    isSynced: () => true,
    audit: {
      append: (event) => {
        events.push(event);
        return Promise.resolve();
      },
    },
    auditOnFailure: 'open',
    observer: {
      request: ({ kind, outcome, isDryRun }) => seen.push(`${kind} ${outcome}${isDryRun ? ' dry' : ''}`),
      finding: (rule, mode) => seen.push(`${rule} ${mode}`),
      undecided: (rule, reason) => seen.push(`${rule} ${reason}`),
      injection: (result, reason) => seen.push(`injection ${result} ${reason}`.trim()),
      exemptionUse: (rule) => seen.push(`exempt ${rule}`),
    },
    clock: { ...systemClock, now: () => now },
    logger: createLogger({ program: 'test', level: 'silent', write: () => undefined }),
    ...change,
  });
  return {
    events,
    seen,
    ports,
    ask: (request: AdmissionRequest, half: Call['half'] = 'validate', signal = new AbortController().signal) =>
      admit({ half, request, decisionId: '8F3K2M9Q7C', deadline: deadlineIn(systemClock, 1_000), signal }),
  };
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'answered',
    (error: unknown) => (error instanceof AdmissionFailure ? error.code : 'something else'),
  );

describe('the one flow', () => {
  it('records a denial with requester, target, rules and decision, and nothing of the value', async () => {
    const { events, seen, ask } = desk();
    expect(await ask(creates(leaky), 'validate')).toMatchObject({ allowed: false });
    expect(events).toMatchObject([
      {
        event: 'admission.denied',
        outcome: 'refused',
        principal: { kind: 'kubernetes', username: 'alice' },
        target: { kind: 'Pod', namespace: 'payments', name: 'web' },
        correlation: { decisionId: '8F3K2M9Q7C' },
        rules: ['credential-in-env', 'sidecar-required'],
        deployer: 'alice',
      },
    ]);
    expect(JSON.stringify(events)).not.toContain('correct-horse');
    expect(JSON.stringify(events)).not.toContain('team-a');
    expect(seen).toContain('credential-in-env enforce');
    expect(seen).toContain('Pod denied');
  });

  it('records a patch, and of a plain allowance nothing', async () => {
    const { events, seen, ask } = desk();
    await ask(creates(minimalPod), 'mutate');
    expect(events).toMatchObject([{ event: 'admission.mutated', rules: [] }]);
    expect(JSON.stringify(events)).toMatch(/"patchDigest":"[0-9a-f]{64}"/);
    expect(events[0]?.correlation).not.toHaveProperty('decisionId');
    expect(seen).toEqual(['Pod patched', 'injection injected']);
    await ask(creates(minimalSecret), 'validate');
    expect(events).toHaveLength(1);
  });

  it('records the use of an exemption before it answers', async () => {
    const { events, seen, ask } = desk();
    const answer = await ask(creates(tweaked(minimalClusterRoleBinding, { subjects })));
    expect(answer).toMatchObject({ allowed: true });
    expect(events.map(({ event }) => event)).toEqual(['exemption.used', 'admission.allowed']);
    expect(events[0]).toMatchObject({
      exemption: 'auditors-view',
      requester: 'alice',
      approver: 'bob',
      expiresAt: '2027-01-15T12:00:00.000Z',
    });
    expect(seen).toContain('exempt cluster-role-binding-justification');
  });

  it('records who asks for an exemption', async () => {
    const { events, ask } = desk();
    await ask(creates(minimalExemption));
    expect(events.map(({ event }) => event)).toContain('exemption.requested');
  });

  it('AR-19 leaves nothing behind of a dry run but a count that says so', async () => {
    const { events, seen, ports, ask } = desk({
      ports: {
        ...memoryCluster([payments]),
        secretTypes: {
          inNamespace: () => new Map(),
          remember: () => events.push({ event: 'audit.log.closed', outcome: 'info' }),
        },
      },
    });
    await ask(creates(leaky, { dryRun: true }));
    await ask(creates(minimalSecret, { dryRun: true }));
    await ask(creates(tweaked(minimalClusterRoleBinding, { subjects }), { dryRun: true }));
    expect(events).toEqual([]);
    expect(seen).toContain('Pod denied dry');
    expect(ports).toBeDefined();
  });

  it('remembers the type of a Secret that was let in, and of no other', async () => {
    const remembered: string[] = [];
    const secretTypes = {
      inNamespace: () => new Map<string, string>(),
      remember: (...words: readonly string[]) => void remembered.push(words.join(' ')),
    };
    const { ask } = desk({ ports: { ...memoryCluster([payments]), secretTypes } });
    await ask(creates(minimalSecret));
    await ask(
      creates(tweaked(minimalSecret, { metadata: { name: 'bad' }, stringData: { password: 'correct-horse-9' } })),
    );
    expect(remembered).toEqual(['payments web Opaque']);
  });

  it('fails before the caches have synced', async () => {
    expect(await codeOf(desk({ isSynced: () => false }).ask(creates(minimalPod)))).toBe('not-synced');
  });

  it('fails when a lookup fails, and records that it did', async () => {
    const namespaces = { find: () => Promise.reject(new AdmissionFailure('dependency')) };
    const { events, seen, ask } = desk({ ports: { ...memoryCluster(), namespaces } });
    expect(await codeOf(ask(creates(minimalPod)))).toBe('dependency');
    expect(events).toMatchObject([{ event: 'admission.failed', outcome: 'failed', reasonCode: 'dependency' }]);
    expect(seen).toEqual(['Pod failed']);
  });

  it('takes anything else that is thrown for a mistake of ours', async () => {
    const namespaces = { find: () => Promise.reject(new TypeError('oops')) };
    expect(await codeOf(desk({ ports: { ...memoryCluster(), namespaces } }).ask(creates(minimalPod)))).toBe('bug');
  });

  it('fails where a rule that would enforce cannot be asked, and counts it', async () => {
    const { seen, ask } = desk({ ports: { ...memoryCluster([payments]), rbac: { current: () => undefined } } });
    expect(await codeOf(ask(creates(minimalPod)))).toBe('undecided');
    expect(seen).toContain('workload-ceiling rbac-unknown');
  });

  it('lets a decision stand that could not be recorded, unless told otherwise', async () => {
    const audit = { append: () => Promise.reject(new Error('disk full')) };
    expect(await desk({ audit }).ask(creates(leaky))).toMatchObject({ allowed: false });
    expect(await codeOf(desk({ audit, auditOnFailure: 'closed' }).ask(creates(leaky)))).toBe('audit-unavailable');
  });

  it('never lets an exemption be used that could not be recorded', async () => {
    const audit = { append: () => Promise.reject(new Error('disk full')) };
    expect(await codeOf(desk({ audit }).ask(creates(tweaked(minimalClusterRoleBinding, { subjects }))))).toBe(
      'audit-unavailable',
    );
  });

  it('gives no verdict once its time is up', async () => {
    expect(await codeOf(desk().ask(creates(minimalPod), 'validate', AbortSignal.abort()))).toBe('deadline');
  });
});
