import type { AuditEvent, Replica } from '../../audit/event.ts';
import { type AuditLog, type AuditLogOptions, createAuditLog } from '../../audit/log.ts';
import { type MemorySegments, memorySegments } from '../../audit/segments/memory-segments.ts';
import type { Logger } from '../../runtime/logger.ts';
import { systemRandom } from '../../runtime/random.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';

/** Who keeps the log of a test. */
export const testReplica: Replica = { pod: 'authority-0', podUid: 'uid-0', node: 'node-1', version: '0.1.0' };

/** A logger that says nothing. */
export const silentLogger: Logger = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
  child: () => silentLogger,
};

/** An event of class S, told apart by `name`. */
export const durableEvent = (name: string): AuditEvent => ({
  event: 'config.changed',
  outcome: 'info',
  resourceKind: 'settings',
  name,
  newDigest: 'ab',
});

/** An event of class W. */
export const writtenEvent = (name: string): AuditEvent => ({
  event: 'identity.denied',
  outcome: 'refused',
  reasonCode: 'audience',
  requested: name,
});

/** An event of class B. */
export const bufferedEvent = (name: string): AuditEvent => ({
  event: 'access.denied',
  outcome: 'refused',
  reasonCode: 'access-denied',
  direction: 'inbound',
  destination: name,
});

export interface LogUnderTest {
  readonly log: AuditLog;
  readonly clock: ManualClock;
  readonly segments: MemorySegments;
  /** What went to stdout. */
  readonly printed: string[];
}

/** A log over memory on a clock that stands still, not yet started. */
export function auditLogUnderTest(
  options: Partial<AuditLogOptions> & { readonly segments?: MemorySegments } = {},
): LogUnderTest {
  const clock = manualClock();
  const segments = options.segments ?? memorySegments();
  const printed: string[] = [];
  const log = createAuditLog({
    program: 'authority',
    replica: testReplica,
    cluster: 'default',
    trustDomain: 'prod.example',
    writeLine: (line) => void printed.push(line),
    clock,
    random: systemRandom,
    logger: silentLogger,
    ...options,
    segments,
  });
  return { log, clock, segments, printed };
}
