import { isEqualJson, isObject, type JsonObject, objectsAt, textAt, textMapAt, valueAt } from '../json.ts';
import { matchesLabelSelector } from '../selectors.ts';
import type { Store } from '../storage.ts';
import type { Controller } from './controller.ts';

const clusterRoles = { group: 'rbac.authorization.k8s.io', plural: 'clusterroles' };

/** Fills the rules of ClusterRoles with an `aggregationRule` from those its selectors match. */
export const aggregationController: Controller = {
  name: 'clusterrole-aggregation-controller',
  keysOf: (event, store) =>
    event.resource === 'clusterroles.rbac.authorization.k8s.io'
      ? store
          .list(clusterRoles)
          .filter(isAggregated)
          .map((role) => textAt(role, 'metadata', 'name'))
      : [],
  reconcile: async (name, { store, client }) => {
    const role = store.get(clusterRoles, '', name);
    if (role === undefined || !isAggregated(role)) {
      return;
    }
    const rules = aggregatedRules(store, role);
    if (!isEqualJson(rules, valueAt(role, 'rules') ?? [])) {
      await client.replace(`/apis/rbac.authorization.k8s.io/v1/clusterroles/${name}`, { ...role, rules });
    }
  },
};

function isAggregated(role: JsonObject): boolean {
  return isObject(role['aggregationRule']);
}

function aggregatedRules(store: Store, role: JsonObject): readonly JsonObject[] {
  const selectors = objectsAt(role, 'aggregationRule', 'clusterRoleSelectors');
  const sources = store
    .list(clusterRoles)
    .filter((candidate) => candidate !== role)
    .filter((candidate) =>
      selectors.some((selector) => matchesLabelSelector(selector, textMapAt(candidate, 'metadata', 'labels'))),
    );
  const rules = sources.flatMap((source) => objectsAt(source, 'rules'));
  return rules.filter((rule, index) => rules.findIndex((other) => isEqualJson(other, rule)) === index);
}
