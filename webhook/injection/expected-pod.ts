import type { ExpectedPod } from '../policy/context.ts';
import { applyInjection } from './apply.ts';
import { type PlanSubject, planInjection } from './plan.ts';
import type { InjectionSettings } from './settings.ts';

/** The pod as injection would make it from the one given, which may be injected already: what `sidecar-required` compares with. */
export function expectedPod(subject: PlanSubject, settings: InjectionSettings): ExpectedPod {
  const plan = planInjection(subject, settings);
  return plan.kind === 'skip' ? plan : { kind: 'inject', pod: applyInjection(subject.pod, plan, settings) };
}
