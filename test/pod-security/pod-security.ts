import type { JsonObject } from '../../webhook/admission/request.ts';
import { baselineControls } from './baseline-controls.ts';
import type { Control } from './control.ts';
import { restrictedControls } from './restricted-controls.ts';

export type Level = 'baseline' | 'restricted';

/** What a level minds in a pod. */
export interface Violation {
  readonly control: string;
  /** The field, as a person writes it: `spec.containers[0].securityContext.privileged`. */
  readonly field: string;
}

/** The controls of a level. Restricted holds all of baseline, and more. */
export function controlsOf(level: Level): readonly Control[] {
  return level === 'baseline' ? baselineControls : [...baselineControls, ...restrictedControls];
}

/**
 * The Pod Security Standards at their strictest: what the API server's own admission would refuse in a namespace that enforces the level. Its relaxations for pods
 * with user namespaces (`hostUsers: false`) are not granted here; those for Windows pods are.
 */
export function podSecurityViolations(pod: JsonObject, level: Level): readonly Violation[] {
  return controlsOf(level).flatMap(({ id, check }) => check(pod).map((field) => ({ control: id, field })));
}
