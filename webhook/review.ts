import type { Parsed } from '../runtime/parsed.ts';
import { type AdmissionResponse, type Decision, type StoredObject } from './admission/decision.ts';
import type { AdmissionRequest, JsonObject } from './admission/request.ts';
import { responseOf } from './admission/response.ts';
import type { ReviewSettings } from './admission/review-settings.ts';
import { type Evaluation, evaluate, type JudgedFinding, type LiftedFinding, type Undecided } from './evaluator.ts';
import { expectedPod } from './injection/expected-pod.ts';
import { patchOf } from './injection/patch.ts';
import type { ExpectedPod, Facts } from './policy/context.ts';
import { denialText } from './policy/denial-text.ts';
import { authorExemption } from './policy/exemption-author.ts';
import { validExemptionFor, whyNotLifted } from './policy/exemptions.ts';
import { textAt } from './policy/json-access.ts';
import { kindKey } from './policy/pod-template.ts';
import { decodeAdmissionReviewValue } from './server/admission-review.ts';

/*
 * PUBLISHED CONTRACT of gate 1: an AdmissionRequest and facts -> the response, the object as it will be stored, the findings. Pure. The webhook serves the half it
 * is called for, the command line both; so a manifest that passes here passes there.
 */

export type { AdmissionResponse } from './admission/decision.ts';
export { newDecisionId } from './admission/decision-id.ts';
export { gatherFacts } from './admission/gather.ts';
export { type MemoryCluster, memoryCluster } from './admission/memory-cluster.ts';
export type { AdmissionRequest, Json, JsonObject, Requester } from './admission/request.ts';
export { type ReviewSettings, reviewSettings } from './admission/review-settings.ts';
export type { JudgedFinding, LiftedFinding, Undecided } from './evaluator.ts';
export type { Facts } from './policy/context.ts';
export { printExemptionManifest } from './policy/exemption-manifest.ts';
export { isJsonObject } from './server/admission-review.ts';

export interface ReviewOptions {
  readonly half: 'mutate' | 'validate' | 'both';
  readonly settings: ReviewSettings;
  /** Ten characters that name this call; only validating answers carry it. */
  readonly decisionId: string;
}

/** What became of a request. */
export interface Reviewed {
  readonly response: AdmissionResponse;
  /** As it would be stored: null when denied, on DELETE and on CONNECT. */
  readonly object: StoredObject;
  /** Not lifted, each with its effective mode; empty for the mutating half, which never judges. */
  readonly findings: readonly JudgedFinding[];
  readonly lifted: readonly LiftedFinding[];
  /** Rules that could not be asked. With one of mode `enforce` the response must not be sent. */
  readonly undecided: readonly Undecided[];
  /** What a person should know besides the findings: exemptions used, pods left without a sidecar, namespaces nobody knows. */
  readonly notes: readonly string[];
  readonly injection: Injection;
}

/** What the injector did. */
export type Injection =
  | { readonly kind: 'none' }
  | { readonly kind: 'injected' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'skipped'; readonly reason: string; readonly detail: string };

/** Judges one request: mutates (injection, or an exemption's author), then validates what came of it, as far as `half` asks. */
export function review(request: AdmissionRequest, facts: Facts, options: ReviewOptions): Reviewed {
  const mutation: Mutation =
    options.half === 'validate'
      ? { object: request.object, injection: none }
      : mutate(request, facts, options.settings);
  const patch = patchBetween(request.object, mutation.object);
  return options.half === 'mutate'
    ? mutated(request, facts, mutation, patch)
    : validated({ ...request, object: mutation.object }, facts, options, mutation, patch);
}

/** An AdmissionReview read from a file. The same judgement of the envelope as over HTTP. */
export function decodeReview(value: unknown): Parsed<AdmissionRequest> {
  return decodeAdmissionReviewValue(value);
}

interface Mutation {
  readonly object: JsonObject | null;
  readonly injection: Injection;
}

const none: Injection = { kind: 'none' };

/** Mutation never denies: what it cannot do it leaves, with a reason, to the validating pass. */
function mutate(request: AdmissionRequest, facts: Facts, settings: ReviewSettings): Mutation {
  const authored = authorExemption(request, facts.now);
  if (authored !== undefined) {
    return { object: authored, injection: none };
  }
  const expected = expectedPodOf(request, facts, settings);
  if (expected === undefined || request.object === null) {
    return { object: request.object, injection: none };
  }
  if (expected.kind === 'skip') {
    return { object: request.object, injection: { kind: 'skipped', reason: expected.reason, detail: expected.detail } };
  }
  const isSame = patchOf(request.object, expected.pod).length === 0;
  return { object: isSame ? request.object : expected.pod, injection: { kind: isSame ? 'unchanged' : 'injected' } };
}

/**
 * The pod as injection makes it, or why it leaves it alone. AR-25: only for a CREATE of the Pod itself; an update may change next to nothing, and a patch would be an
 * API error.
 */
function expectedPodOf(request: AdmissionRequest, facts: Facts, settings: ReviewSettings): ExpectedPod | undefined {
  const { object } = request;
  if (
    kindKey(request.kind) !== 'Pod' ||
    request.operation !== 'CREATE' ||
    request.subResource !== '' ||
    object === null
  ) {
    return undefined;
  }
  const exemption = validExemptionFor(withoutSidecar, request, facts)?.metadata.name;
  return expectedPod({ pod: object, request, namespace: facts.namespace, exemption }, settings.injection);
}

/** What an exemption from the sidecar takes away before anybody finds it: the pod is not injected, and `sidecar-required` is silent. Its use is told all the same. */
const withoutSidecar = {
  rule: 'sidecar-required',
  path: '/spec',
  subject: 'pod',
  found: 'no sidecar',
  fix: 'create the pod again once the exemption has ended',
} as const;

function liftedByPlan(
  request: AdmissionRequest,
  facts: Facts,
  expected: ExpectedPod | undefined,
): readonly LiftedFinding[] {
  const exemption =
    expected?.kind === 'skip' && expected.reason === 'exempt'
      ? validExemptionFor(withoutSidecar, request, facts)
      : undefined;
  return exemption === undefined ? [] : [{ ...withoutSidecar, mode: 'enforce', exemption }];
}

/** AR-10, AR-12: base64 of the difference from the object as received; undefined when there is none, or nothing to patch. */
function patchBetween(received: JsonObject | null, changed: JsonObject | null): string | undefined {
  if (received === null || changed === null || received === changed) {
    return undefined;
  }
  const operations = patchOf(received, changed);
  return operations.length === 0 ? undefined : Buffer.from(JSON.stringify(operations)).toString('base64');
}

/** AR-17: the annotations of a mutating answer are a function of the object alone, for a repeated call must not contradict the first. */
function mutated(request: AdmissionRequest, facts: Facts, mutation: Mutation, patch: string | undefined): Reviewed {
  const { injection } = mutation;
  const word = injection.kind === 'skipped' ? `skipped-${injection.reason}` : injection.kind;
  const decision: Decision = {
    kind: 'allowed',
    patch,
    warnings: [],
    annotations: injection.kind === 'none' ? {} : { decision: word },
  };
  return {
    response: responseOf(request.uid, decision),
    object: storedObject(request, mutation.object),
    findings: [],
    lifted: [],
    undecided: [],
    notes: notesOf(facts, []),
    injection,
  };
}

function validated(
  request: AdmissionRequest,
  facts: Facts,
  options: ReviewOptions,
  { injection }: Mutation,
  patch: string | undefined,
): Reviewed {
  const expected = expectedPodOf(request, facts, options.settings);
  const judged = evaluate(request, { ...facts, expectedPod: expected });
  const evaluation = { ...judged, lifted: [...judged.lifted, ...liftedByPlan(request, facts, expected)] };
  const { findings, lifted, undecided } = evaluation;
  const notes = notesOf(facts, lifted);
  const decision = decide(request, facts, evaluation, notes, options, patch);
  return {
    response: responseOf(request.uid, decision),
    object: decision.kind === 'denied' ? null : storedObject(request, request.object),
    findings,
    lifted,
    undecided,
    notes,
    injection,
  };
}

function decide(
  request: AdmissionRequest,
  facts: Facts,
  { findings, lifted, undecided }: Evaluation,
  notes: readonly string[],
  options: ReviewOptions,
  patch: string | undefined,
): Decision {
  const enforced = findings.filter(({ mode }) => mode === 'enforce');
  const annotations = annotationsOf(findings, lifted, enforced.length > 0, options);
  if (enforced.length === 0) {
    const warned = findings.filter(({ mode }) => mode === 'warn').map(warningOf);
    const open = undecided
      .filter(({ mode }) => mode === 'warn')
      .map(({ rule, reason }) => `[${rule}] not judged: ${reason}`);
    return { kind: 'allowed', patch, warnings: [...warned, ...open, ...notes], annotations };
  }
  const { decisionId, settings } = options;
  const message = denialText({
    kind: request.kind.kind,
    namespace: kindKey(request.kind) === 'Namespace' ? '' : request.namespace,
    name: request.name === '' ? generatedName(request) : request.name,
    findings: enforced,
    hints: enforced.flatMap((finding) => whyNotLifted(finding, request, facts) ?? []),
    decisionId,
    rulesUrl: settings.rulesUrl,
  });
  return { kind: 'denied', message, findings: enforced, annotations };
}

function warningOf({ rule, subject, found }: JudgedFinding): string {
  return `[${rule}] ${subject}: ${found}`;
}

/** AR-22: a new object may have only the beginning of a name. */
function generatedName({ object }: AdmissionRequest): string {
  const prefix = textAt(object ?? undefined, 'metadata', 'generateName');
  return prefix === undefined ? '' : `${prefix}*`;
}

/** AR-17: bare keys; one per rule that found something, saying how it was read. */
function annotationsOf(
  findings: readonly JudgedFinding[],
  lifted: readonly LiftedFinding[],
  isDenied: boolean,
  { decisionId, settings }: ReviewOptions,
): Readonly<Record<string, string>> {
  const byRule = new Map<string, string>();
  for (const { rule } of lifted) {
    byRule.set(rule, 'exempt');
  }
  for (const { rule, mode } of findings) {
    const known = byRule.get(rule);
    byRule.set(
      rule,
      known === 'enforce' || mode === 'enforce' ? 'enforce' : known === 'warn' || mode === 'warn' ? 'warn' : mode,
    );
  }
  const exemptions = [...new Set(lifted.map(({ exemption }) => exemption.metadata.name ?? ''))].join(',');
  return {
    decision: isDenied ? 'denied' : 'allowed',
    'decision-id': decisionId,
    'policy-revision': settings.revision,
    ...Object.fromEntries(byRule),
    ...(exemptions === '' ? {} : { exemption: exemptions }),
  };
}

function notesOf({ namespace }: Facts, lifted: readonly LiftedFinding[]): readonly string[] {
  return [
    ...lifted.map(
      ({ rule, exemption }) =>
        `[${rule}] allowed by exemption "${exemption.metadata.name ?? ''}" until ${exemption.spec.expiresAt}`,
    ),
    ...(namespace?.known === false ? [`namespace "${namespace.name}" is not known: held to be opted in`] : []),
  ];
}

/** AR-21: DELETE stores nothing, CONNECT has only options. */
function storedObject({ operation }: AdmissionRequest, object: JsonObject | null): StoredObject {
  return operation === 'DELETE' || operation === 'CONNECT' ? null : object;
}
