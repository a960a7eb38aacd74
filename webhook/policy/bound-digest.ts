import type { Json, JsonObject } from '../admission/request.ts';
import { templateProjection } from '../deployer/template-projection.ts';
import { boundContent, digestOf } from './digest.ts';
import { objectAt } from './json-access.ts';
import { podPathOf } from './pod-template.ts';

/**
 * The digest that binds an exemption to exact content: of workloads their template projection, of everything else `boundContent`. Undefined for kinds whose content
 * no digest binds.
 */
export function digestOfObject(
  kind: { readonly group: string; readonly kind: string },
  object: JsonObject,
): string | undefined {
  const content = projectionOf(kind, object) ?? boundContent(kind, object);
  return content === undefined ? undefined : digestOf(content);
}

function projectionOf(kind: { readonly group: string; readonly kind: string }, object: JsonObject): Json | undefined {
  const path = podPathOf(kind);
  const pod = path === undefined ? undefined : objectAt(object, ...path);
  return pod === undefined ? undefined : templateProjection(pod);
}
