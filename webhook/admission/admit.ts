import type { AuditEvent } from '../../audit/event.ts';
import type { AuditLog } from '../../audit/log.ts';
import type { Clock } from '../../runtime/clock.ts';
import { logKeys } from '../../runtime/log-keys.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Facts } from '../policy/context.ts';
import { textAt } from '../policy/json-access.ts';
import { kindKey } from '../policy/pod-template.ts';
import { type Injection, type Reviewed, review } from '../review.ts';
import { decisionEvent, exemptionEvents, failureEvent } from './audit-events.ts';
import type { Call } from './call.ts';
import type { AdmissionResponse } from './decision.ts';
import { AdmissionFailure, asAdmissionFailure } from './failures.ts';
import { gatherFacts } from './gather.ts';
import type { AdmissionPorts } from './ports.ts';
import type { ReviewSettings } from './review-settings.ts';

/** Told of every review, for metrics. */
export interface AdmissionObserver {
  request(labels: { operation: string; kind: string; outcome: string; isDryRun: boolean }): void;
  finding(rule: string, mode: string): void;
  undecided(rule: string, reason: string): void;
  injection(result: string, reason: string): void;
  exemptionUse(rule: string): void;
}

export interface AdmitOptions {
  readonly ports: AdmissionPorts;
  readonly settings: ReviewSettings;
  /** Whether every cache has been filled once; before, nothing is known and nothing is judged. */
  readonly isSynced: () => boolean;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly auditOnFailure: 'open' | 'closed';
  readonly observer: AdmissionObserver;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The one flow of a review: gather -> review -> record -> answer. Gives the answer, or rejects with `AdmissionFailure`; a rule that could not decide where it would
 * enforce, and an exemption whose use cannot be recorded, are failures, never verdicts.
 */
export function createAdmit(options: AdmitOptions): (call: Call) => Promise<AdmissionResponse> {
  return async (call) => {
    try {
      const { reviewed, facts } = await judge(call, options);
      await record(call, reviewed, facts, options);
      remember(call, reviewed, options);
      return reviewed.response;
    } catch (error) {
      const failure = asAdmissionFailure(error);
      await recordFailure(call, failure, options);
      throw failure;
    }
  };
}

async function judge(
  call: Call,
  { ports, settings, isSynced, observer, clock }: AdmitOptions,
): Promise<{ readonly reviewed: Reviewed; readonly facts: Facts }> {
  if (!isSynced()) {
    throw new AdmissionFailure('not-synced');
  }
  const facts = await gatherFacts(call.request, ports, settings.policy, clock.now());
  const reviewed = review(call.request, facts, { half: call.half, settings, decisionId: call.decisionId });
  for (const { rule, reason } of reviewed.undecided) {
    observer.undecided(rule, reason);
  }
  const open = reviewed.undecided.find(({ mode }) => mode === 'enforce');
  if (open !== undefined) {
    throw new AdmissionFailure('undecided', { fields: { rule: open.rule, reason: open.reason } });
  }
  return { reviewed, facts };
}

/** Exemptions are recorded durably or not used at all; the decision itself as `auditOnFailure` says. */
async function record(call: Call, reviewed: Reviewed, facts: Facts, options: AdmitOptions): Promise<void> {
  for (const event of exemptionEvents(call, reviewed)) {
    await options.audit.append(event).catch(unavailable);
  }
  const event = decisionEvent(call, reviewed, facts, options.settings.revision);
  if (event !== undefined) {
    await appendDecision(event, options);
  }
  if (call.signal.aborted) {
    throw new AdmissionFailure('deadline');
  }
}

async function appendDecision(event: AuditEvent, { audit, auditOnFailure, logger }: AdmitOptions): Promise<void> {
  try {
    await audit.append(event);
  } catch (error) {
    if (auditOnFailure === 'closed') {
      unavailable(error);
    }
    logger.error({ [logKeys.error]: error }, 'decision not written to the audit log');
  }
}

function unavailable(cause: unknown): never {
  throw new AdmissionFailure('audit-unavailable', { cause });
}

async function recordFailure(call: Call, failure: AdmissionFailure, options: AdmitOptions): Promise<void> {
  const event = failureEvent(call, failure.code);
  observeRequest(call, 'failed', options);
  if (event !== undefined && failure.code !== 'audit-unavailable') {
    await options.audit.append(event).catch((error: unknown) => {
      options.logger.error({ [logKeys.error]: error }, 'failure not written to the audit log');
    });
  }
}

/** What stays of a decision in this process: counts, and the types of Secrets that are about to exist. */
function remember(call: Call, reviewed: Reviewed, options: AdmitOptions): void {
  const { request, half } = call;
  observeRequest(call, outcomeOf(half, reviewed), options);
  for (const { rule, mode } of reviewed.findings) {
    options.observer.finding(rule, mode);
  }
  if (half === 'mutate') {
    observeInjection(reviewed.injection, options.observer);
    return;
  }
  if (request.dryRun || !reviewed.response.allowed) {
    return;
  }
  for (const { rule } of reviewed.lifted) {
    options.observer.exemptionUse(rule);
  }
  if (kindKey(request.kind) === 'Secret' && request.object !== null && request.name !== '') {
    const type = textAt(request.object, 'type') ?? 'Opaque';
    options.ports.secretTypes.remember(request.namespace, request.name, type);
  }
}

function outcomeOf(half: Call['half'], { response, findings }: Reviewed): string {
  if (!response.allowed) {
    return 'denied';
  }
  if (half === 'mutate') {
    return response.patch === undefined ? 'allowed' : 'patched';
  }
  return findings.some(({ mode }) => mode === 'warn') ? 'warned' : 'allowed';
}

function observeRequest({ request }: Call, outcome: string, { observer }: AdmitOptions): void {
  observer.request({ operation: request.operation, kind: request.kind.kind, outcome, isDryRun: request.dryRun });
}

function observeInjection(injection: Injection, observer: AdmissionObserver): void {
  if (injection.kind !== 'none') {
    observer.injection(injection.kind, injection.kind === 'skipped' ? injection.reason : '');
  }
}
