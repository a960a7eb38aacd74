import type { JsonObject } from '../../webhook/admission/request.ts';
import { expectedPod } from '../../webhook/injection/expected-pod.ts';
import { patchOf } from '../../webhook/injection/patch.ts';
import { type InjectionPlan, type PlanSubject, planInjection } from '../../webhook/injection/plan.ts';
import type { InjectionSettings } from '../../webhook/injection/settings.ts';
import { isJsonObject, listAt } from '../../webhook/policy/json-access.ts';
import { injectionSettings } from './injection.ts';
import { creates, ruleContext } from './judgement.ts';

/** What injection is asked when a pod is created in a quiet opted-in namespace. */
export function planSubject(pod: JsonObject, rest: Partial<PlanSubject> = {}): PlanSubject {
  return { pod, request: creates(pod), namespace: ruleContext().namespace, exemption: undefined, ...rest };
}

/** The plan for it. */
export function planOf(pod: JsonObject, rest: Partial<PlanSubject> = {}): InjectionPlan {
  return planInjection(planSubject(pod, rest), injectionSettings);
}

/** The pod as injection makes it; throws where it leaves the pod alone. */
export function injected(pod: JsonObject, settings: InjectionSettings = injectionSettings): JsonObject {
  const expected = expectedPod(planSubject(pod), settings);
  if (expected.kind === 'skip') {
    throw new TypeError(`not injected: ${expected.reason}, ${expected.detail}`);
  }
  return expected.pod;
}

/** The patch that injection answers with. */
export function injectionPatch(pod: JsonObject): ReturnType<typeof patchOf> {
  return patchOf(pod, injected(pod));
}

/** The sidecar of an injected pod. */
export function sidecarOf(pod: JsonObject): JsonObject {
  const found = listAt(pod, 'spec', 'initContainers')
    .filter(isJsonObject)
    .find(({ name }) => name === 'sallyport-sidecar');
  if (found === undefined) {
    throw new TypeError('no sidecar in the pod');
  }
  return found;
}
