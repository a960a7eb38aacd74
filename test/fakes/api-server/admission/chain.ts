import { isEqualJson, type JsonObject, listAt, objectsAt } from '../json.ts';
import type { Admission, AdmissionCall, Services } from '../services.ts';
import { awaitDefaultAccount, checkNamespace, withPodPlugins } from './plugins.ts';
import { createWebhookClient } from './webhook-client.ts';
import { type Invocations, mutatingRound, requireAgain, validatingRound, type WebhookWorld } from './webhooks.ts';

/** The admission chain: built-in plugins, then mutating webhooks, both once more where a webhook changed the object; then validating webhooks. */
export function createAdmission(services: Pick<Services, 'store' | 'random' | 'clock'>): Admission {
  const client = createWebhookClient(services.clock);
  const world: WebhookWorld = { store: services.store, client };
  return {
    mutate: async (call, object) => {
      const plugged = (current: JsonObject | null): JsonObject | null =>
        current === null ? null : withPodPlugins(services, call, current);
      checkNamespace(services, call);
      await awaitDefaultAccount(services, call, object);
      const first: Invocations = { round: 0, reinvocable: new Set(), due: new Set() };
      const prepared = plugged(object);
      const mutated = await mutatingRound(world, call, prepared, first);
      if (mutated === prepared) {
        return mutated;
      }
      const again = plugged(mutated);
      if (!isEqualJson(again, mutated)) {
        requireAgain(first);
      }
      return mutatingRound(world, call, again, { ...first, round: 1 });
    },
    validate: (call, object) => {
      warnOfConditions(call, object);
      return validatingRound(world, call, object);
    },
    close: () => client.close(),
  };
}

function warnOfConditions(call: AdmissionCall, object: JsonObject | null): void {
  const isConfiguration = call.exchange.resource.plural.endsWith('webhookconfigurations');
  if (
    isConfiguration &&
    objectsAt(object, 'webhooks').some((webhook) => listAt(webhook, 'matchConditions').length > 0)
  ) {
    call.exchange.warnings.push('matchConditions are not evaluated by this embedded API server: they count as true');
  }
}
