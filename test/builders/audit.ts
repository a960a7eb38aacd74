import type { AuditEvent, Replica } from '../../audit/event.ts';
import { type AuditLog, type AuditLogOptions, createAuditLog } from '../../audit/log.ts';
import { memorySegments } from '../../audit/segments/memory-segments.ts';
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
  /** What went to stdout: the lines that the segments have. */
  readonly printed: string[];
}

/** A log on a clock that stands still, not yet started; in memory unless told otherwise. */
export function auditLogUnderTest(options: Partial<AuditLogOptions> = {}): LogUnderTest {
  const clock = manualClock();
  const printed: string[] = [];
  const log = createAuditLog({
    program: 'authority',
    replica: testReplica,
    cluster: 'default',
    trustDomain: 'prod.example',
    segments: memorySegments(),
    writeLine: (line) => void printed.push(line),
    clock,
    random: systemRandom,
    logger: silentLogger,
    ...options,
  });
  return { log, clock, printed };
}
