import { withDefaultsOf } from '../defaults/defaults.ts';
import { isEqualJson, isObject, type JsonObject, numberAt, objectAt, parseJson, textAt } from '../json.ts';
import type { AdmissionCall, Services } from '../services.ts';
import { internalError } from '../status.ts';
import { isAuditAnnotationKey, type VerifiedResponse, verifyAdmissionResponse } from '../verify-admission-response.ts';
import { applyJsonPatch } from '../write/patches.ts';
import { denialOf, dryRunUnsupported, WebhookFailure } from './denial.ts';
import { endpointOf } from './endpoint.ts';
import { type Hook, hooksOf, isCalled } from './matching.ts';
import { reviewRequest } from './review-request.ts';
import type { WebhookClient } from './webhook-client.ts';

/** What calling webhooks needs. */
export interface WebhookWorld extends Pick<Services, 'store'> {
  readonly client: WebhookClient;
}

/** Which webhooks have been called for a write, over the first round and the one repetition. */
export interface Invocations {
  readonly round: 0 | 1;
  /** Called already, and willing to be called again. */
  readonly reinvocable: Set<string>;
  /** To be called again, because the object changed after they saw it. */
  readonly due: Set<string>;
}

/**
 * One round of mutating webhooks, one after the other. In round 1 only those that are due; a webhook that was not called in round 0 is not called in
 * round 1, whatever the object has become.
 */
export async function mutatingRound(
  world: WebhookWorld,
  call: AdmissionCall,
  object: JsonObject | null,
  invocations: Invocations,
): Promise<JsonObject | null> {
  let current = object;
  for (const [index, hook] of hooksOf(world, 'mutating').entries()) {
    const isDue = invocations.round === 0 || invocations.due.has(hook.id);
    if (isDue && isCalled(hook, world, call, current)) {
      const changed = await mutateBy(world, hook, call, current, `round_${invocations.round}_index_${index}`);
      if (changed !== current) {
        requireAgain(invocations);
      }
      if (textAt(hook.webhook, 'reinvocationPolicy') === 'IfNeeded') {
        invocations.reinvocable.add(hook.id);
      }
      current = changed;
    }
  }
  return current;
}

/** All validating webhooks at once; of several that refuse, the first by configuration speaks. */
export async function validatingRound(
  world: WebhookWorld,
  call: AdmissionCall,
  object: JsonObject | null,
): Promise<void> {
  const called = hooksOf(world, 'validating').filter((hook) => isCalled(hook, world, call, object));
  const outcomes = await Promise.allSettled(
    called.map((hook, index) => ask(world, hook, call, object, `round_0_index_${index}`)),
  );
  const refused = outcomes.find((outcome) => outcome.status === 'rejected');
  if (refused !== undefined) {
    throw refused.reason;
  }
}

/** Everything called so far that allows it is to see the object once more. */
export function requireAgain(invocations: Invocations): void {
  for (const id of invocations.reinvocable) {
    invocations.due.add(id);
  }
}

async function mutateBy(
  world: WebhookWorld,
  hook: Hook,
  call: AdmissionCall,
  object: JsonObject | null,
  place: string,
): Promise<JsonObject | null> {
  const response = await ask(world, hook, call, object, place);
  const changed =
    response === undefined || response.patch === '' ? object : patchedBy(hook, call, object, response.patch);
  const mutation = { configuration: hook.configuration, webhook: hook.name, mutated: changed !== object };
  call.exchange.annotations.set(`mutation.webhook.admission.k8s.io/${place}`, JSON.stringify(mutation));
  return changed;
}

/** The patched object with the API's defaults, as the next webhook sees it; the same object when nothing came of the patch. */
function patchedBy(hook: Hook, call: AdmissionCall, object: JsonObject | null, patch: string): JsonObject {
  if (object === null) {
    const name = JSON.stringify(hook.name);
    throw internalError(
      `admission webhook ${name} attempted to modify the object, which is not supported for this operation`,
    );
  }
  const changed = withDefaultsOf(call.exchange.resource, patched(object, patch));
  return isEqualJson(changed, object) ? object : changed;
}

function patched(object: JsonObject, patch: string): JsonObject {
  try {
    return applyJsonPatch(object, parseJson(patch));
  } catch (error) {
    throw internalError(error instanceof Error ? error.message : 'unable to apply the patch');
  }
}

/** One call, judged: the verified answer, undefined when the webhook failed and may be ignored. Throws the denial or the failure. */
async function ask(
  world: WebhookWorld,
  hook: Hook,
  call: AdmissionCall,
  object: JsonObject | null,
  place: string,
): Promise<VerifiedResponse | undefined> {
  const sideEffects = textAt(hook.webhook, 'sideEffects');
  if (call.exchange.isDryRun && sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun') {
    throw dryRunUnsupported(hook.name);
  }
  try {
    const response = await exchangeReview(world, hook, call, object);
    note(hook, call, response);
    if (!response.allowed) {
      throw denialOf(hook.name, response.status);
    }
    return response;
  } catch (error) {
    if (!(error instanceof WebhookFailure)) {
      throw error;
    }
    if (textAt(hook.webhook, 'failurePolicy') !== 'Ignore') {
      throw internalError(error.message);
    }
    call.exchange.annotations.set(
      `failed-open.${hook.kind === 'mutating' ? 'mutation' : 'validating'}.webhook.admission.k8s.io/${place}`,
      hook.name,
    );
    return undefined;
  }
}

async function exchangeReview(
  world: WebhookWorld,
  hook: Hook,
  call: AdmissionCall,
  object: JsonObject | null,
): Promise<VerifiedResponse> {
  const { uid, review } = reviewRequest(call, object);
  const failed = (why: string): WebhookFailure =>
    new WebhookFailure(`failed calling webhook ${JSON.stringify(hook.name)}: ${why}`);
  const seconds = numberAt(hook.webhook, 'timeoutSeconds') ?? 10;
  const answer = await post(world, hook, review, seconds).catch((error: unknown) => {
    throw failed(`failed to call webhook: ${error instanceof Error ? error.message : 'unknown'}`);
  });
  const verdict = verifyAdmissionResponse(uid, hook.kind, answer);
  if (!verdict.ok) {
    throw failed(`received invalid webhook response: ${verdict.problem.message}`);
  }
  return verdict.value;
}

async function post(
  world: WebhookWorld,
  hook: Hook,
  review: JsonObject,
  seconds: number,
): Promise<ReturnType<typeof parseJson>> {
  const clientConfig = objectAt(hook.webhook, 'clientConfig');
  if (!isObject(clientConfig['service']) && textAt(clientConfig, 'url') === '') {
    throw new Error('invalid clientConfig: must set URL or Service');
  }
  return world.client.post(endpointOf(world, clientConfig), review, seconds);
}

/** Warnings for the client, annotations for the audit log: those with a good key and no other value already. */
function note(hook: Hook, call: AdmissionCall, response: VerifiedResponse): void {
  const { warnings, annotations } = call.exchange;
  warnings.push(...response.warnings.filter((warning) => !warnings.includes(warning)));
  for (const [key, value] of response.auditAnnotations) {
    const full = `${hook.name}/${key}`;
    if (isAuditAnnotationKey(key) && !annotations.has(full)) {
      annotations.set(full, value);
    }
  }
}
