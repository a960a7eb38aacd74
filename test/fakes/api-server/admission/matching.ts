import { type JsonObject, objectAt, objectsAt, textAt, textMapAt, textsAt } from '../json.ts';
import { matchesLabelSelector } from '../selectors.ts';
import type { AdmissionCall, Services } from '../services.ts';

/** One webhook of a configuration, in the order it is called. */
export interface Hook {
  readonly kind: 'mutating' | 'validating';
  readonly configuration: string;
  /** Names it uniquely among all: configuration and position. */
  readonly id: string;
  readonly name: string;
  readonly webhook: JsonObject;
}

/** All webhooks of one kind: configurations by name, webhooks within each as written. */
export function hooksOf({ store }: Pick<Services, 'store'>, kind: Hook['kind']): readonly Hook[] {
  const configurations = store.list({ group: 'admissionregistration.k8s.io', plural: `${kind}webhookconfigurations` });
  return configurations.flatMap((configuration) => {
    const name = textAt(configuration, 'metadata', 'name');
    return objectsAt(configuration, 'webhooks').map((webhook, index) => ({
      kind,
      configuration: name,
      id: `${name}/${index}`,
      name: textAt(webhook, 'name'),
      webhook,
    }));
  });
}

/**
 * Is the webhook called for this? By rules, namespaceSelector and objectSelector. `matchPolicy: Equivalent` and `Exact` are the same here, where a kind
 * has one version; `matchConditions` need a CEL interpreter and are not evaluated, which counts as true: the webhook sees more than it asked for.
 */
export function isCalled(
  hook: Hook,
  services: Pick<Services, 'store'>,
  call: AdmissionCall,
  object: JsonObject | null,
): boolean {
  return (
    !isNeverDelivered(call) &&
    objectsAt(hook.webhook, 'rules').some((rule) => ruleMatches(rule, call)) &&
    namespaceMatches(hook.webhook, services, call, object) &&
    objectMatches(hook.webhook, call, object)
  );
}

/** A webhook cannot guard what registers webhooks, or nobody could mend it. */
function isNeverDelivered(call: AdmissionCall): boolean {
  const { group, plural } = call.exchange.resource;
  return group === 'admissionregistration.k8s.io' && plural.endsWith('webhookconfigurations');
}

function ruleMatches(rule: JsonObject, call: AdmissionCall): boolean {
  const { resource } = call.exchange;
  return (
    includesOrAll(textsAt(rule, 'operations'), call.operation) &&
    includesOrAll(textsAt(rule, 'apiGroups'), resource.group) &&
    includesOrAll(textsAt(rule, 'apiVersions'), resource.version) &&
    textsAt(rule, 'resources').some((pattern) => resourceMatches(pattern, call)) &&
    scopeMatches(textAt(rule, 'scope'), call)
  );
}

/** `pods` names no subresource, `pods/*` names the pod and all of them. */
function resourceMatches(pattern: string, call: AdmissionCall): boolean {
  const [resource = '', subresource = ''] = pattern.split('/');
  return (
    (resource === '*' || resource === call.exchange.resource.plural) &&
    (subresource === '*' || subresource === call.exchange.subresource)
  );
}

function scopeMatches(scope: string, call: AdmissionCall): boolean {
  return scope === '' || scope === '*' || (scope === 'Namespaced') === call.exchange.resource.isNamespaced;
}

function namespaceMatches(
  webhook: JsonObject,
  { store }: Pick<Services, 'store'>,
  call: AdmissionCall,
  object: JsonObject | null,
): boolean {
  const { resource, namespace } = call.exchange;
  const selector = webhook['namespaceSelector'] ?? {};
  if (resource.kind === 'Namespace') {
    return matchesLabelSelector(selector, labelsOf(object ?? call.oldObject));
  }
  if (!resource.isNamespaced) {
    return true;
  }
  const found = store.get({ group: '', plural: 'namespaces' }, '', namespace);
  return matchesLabelSelector(selector, labelsOf(found ?? null));
}

function objectMatches(webhook: JsonObject, call: AdmissionCall, object: JsonObject | null): boolean {
  const selector = objectAt(webhook, 'objectSelector');
  const isEverything =
    textMapAt(selector, 'matchLabels').size === 0 && objectsAt(selector, 'matchExpressions').length === 0;
  const candidates = [object, call.oldObject].filter((candidate) => candidate !== null);
  return isEverything || candidates.some((candidate) => matchesLabelSelector(selector, labelsOf(candidate)));
}

function labelsOf(object: JsonObject | null): ReadonlyMap<string, string> {
  return textMapAt(object, 'metadata', 'labels');
}

function includesOrAll(allowed: readonly string[], value: string): boolean {
  return allowed.includes('*') || allowed.includes(value);
}
