import { isObject, type JsonObject, objectAt, objectsAt, withAt, withDefaults } from '../json.ts';

/** A webhook configuration with the API's defaults. */
export function defaultWebhooks(configuration: JsonObject): JsonObject {
  const isMutating = configuration['kind'] === 'MutatingWebhookConfiguration';
  const webhooks = objectsAt(configuration, 'webhooks').map((webhook) =>
    defaultWebhook(webhook, isMutating ? { reinvocationPolicy: 'Never' } : {}),
  );
  return webhooks.length === 0 ? configuration : { ...configuration, webhooks };
}

function defaultWebhook(webhook: JsonObject, more: JsonObject): JsonObject {
  const complete = withDefaults(webhook, {
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
    ...more,
  });
  const rules = objectsAt(complete, 'rules').map((rule) => withDefaults(rule, { scope: '*' }));
  const withRules = rules.length === 0 ? complete : { ...complete, rules };
  const service = objectAt(withRules, 'clientConfig')['service'];
  return isObject(service)
    ? withAt(withRules, ['clientConfig', 'service'], withDefaults(service, { port: 443 }))
    : withRules;
}
