import type { Account, CeilingAnswer, Excess } from './ceiling.ts';
import type { PolicyRule } from './policy-rule.ts';

type Exceeds = Extract<CeilingAnswer, { readonly kind: 'exceeds' }>;

const shownRules = 5;

/** What exceeds, as a person says it, at most five: `may get, list secrets in namespace payments`. */
export function excessSentences({ excess, isCut }: Exceeds): readonly string[] {
  const all = excess.flatMap(({ namespace, rules }) => rules.map((rule) => sentence(rule, namespace)));
  const rest = all.length - shownRules;
  return rest > 0 ? [...all.slice(0, shownRules), `and ${rest}${isCut ? ' or more' : ''} more`] : all;
}

function sentence(
  { apiGroups, resources, verbs, resourceNames, nonResourceURLs }: PolicyRule,
  namespace: string,
): string {
  const may = verbs.includes('*') ? 'do everything to' : verbs.join(', ');
  if (nonResourceURLs.length > 0) {
    return `may ${may} ${nonResourceURLs.join(', ')}`;
  }
  const what = resources.includes('*') ? 'all resources' : resources.join(', ');
  const group = apiGroups.includes('*') ? ' of all groups' : apiGroups[0] === '' ? '' : ` of ${apiGroups.join(', ')}`;
  const names =
    resourceNames.length === 0
      ? ''
      : ` named ${resourceNames.slice(0, 3).join(', ')}${resourceNames.length > 3 ? ', ...' : ''}`;
  return `may ${may} ${what}${group}${names} ${namespace === '' ? 'in the whole cluster' : `in namespace ${namespace}`}`;
}

/**
 * The Role that the deployer would have to hold, on one line that `kubectl apply` takes: of the first scope that exceeds, at most five rules. The narrower way,
 * `use` on the account, is `useRole`.
 */
export function missingRole({ excess }: Exceeds, account: Account): string {
  const first = excess[0];
  return first === undefined ? '' : roleText(first, `like-${account.name}`);
}

/** The Role that delegates the account as a whole to whoever holds it. */
export function useRole({ namespace, name }: Account): string {
  const rule = {
    apiGroups: [''],
    resources: ['serviceaccounts'],
    verbs: ['use'],
    resourceNames: [name],
    nonResourceURLs: [],
  };
  return roleText({ namespace, rules: [rule] }, `use-${name}`);
}

function roleText({ namespace, rules }: Excess, name: string): string {
  const metadata = { ...(namespace === '' ? {} : { namespace }), name };
  const shown = rules.slice(0, shownRules).map(ruleOf);
  return JSON.stringify({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: namespace === '' ? 'ClusterRole' : 'Role',
    metadata,
    rules: shown,
  });
}

function ruleOf({ apiGroups, resources, verbs, resourceNames, nonResourceURLs }: PolicyRule): object {
  return nonResourceURLs.length > 0
    ? { nonResourceURLs, verbs }
    : { apiGroups, resources, verbs, ...(resourceNames.length === 0 ? {} : { resourceNames }) };
}
