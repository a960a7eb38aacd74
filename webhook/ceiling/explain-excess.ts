import type { Requester } from '../admission/request.ts';
import { shownKey } from '../policy/shown-name.ts';
import { type Account, accountOfUsername } from './account.ts';
import type { CeilingAnswer, Excess } from './ceiling.ts';
import type { PolicyRule } from './policy-rule.ts';

type Exceeds = Extract<CeilingAnswer, { readonly kind: 'exceeds' }>;

const shownRules = 5;
const shownWords = 4;
const longestFound = 240;
/** A Role that leaves room for the rest of a denial's line. */
const longestRole = 260;

/** What exceeds, as a person says it: `may get, list secrets in namespace payments`. At most five sentences and some 240 characters, then how many more. */
export function excessSentences({ excess, isCut }: Exceeds): readonly string[] {
  const all = excess.flatMap(({ namespace, rules }) => rules.map((rule) => sentence(rule, namespace)));
  const shown = all
    .slice(0, shownRules)
    .filter((_text, index) => all.slice(0, index + 1).join('; ').length <= longestFound);
  const first = shown.length === 0 ? all.slice(0, 1) : shown;
  const rest = all.length - first.length;
  return rest > 0 ? [...first, `and ${rest}${isCut ? ' or more' : ''} more`] : first;
}

function sentence(
  { apiGroups, resources, verbs, resourceNames, nonResourceURLs }: PolicyRule,
  namespace: string,
): string {
  const may = verbs.includes('*') ? 'do everything to' : listed(verbs);
  if (nonResourceURLs.length > 0) {
    return `may ${may} ${listed(nonResourceURLs)}`;
  }
  const what = resources.includes('*') ? 'all resources' : listed(resources);
  const group = apiGroups.includes('*') ? ' of all groups' : apiGroups[0] === '' ? '' : ` of ${listed(apiGroups)}`;
  const names = resourceNames.length === 0 ? '' : ` named ${listed(resourceNames)}`;
  return `may ${may} ${what}${group}${names} ${namespace === '' ? 'in the whole cluster' : `in namespace ${namespace}`}`;
}

function listed(words: readonly string[]): string {
  const shown = words.slice(0, shownWords).map(shownKey).join(', ');
  return words.length > shownWords ? `${shown} and ${words.length - shownWords} more` : shown;
}

/**
 * What an administrator would do to let the deployer pass, on one line: a Role in JSON, which is YAML, and the command that binds it. The rules that are missing,
 * where they are few and of one namespace; else the verb `use` on the account, which delegates it as a whole.
 */
export function readyGrant(answer: Exceeds, account: Account, requester: Pick<Requester, 'username'>): string {
  const { role, name, namespace } = missingRole(answer, account) ?? useRole(account);
  const who = subjectFlag(requester.username);
  const bind = who === undefined ? '' : ` (kubectl create rolebinding ${name} -n ${namespace} --role=${name} ${who})`;
  return `apply this Role and bind it to you${bind}: ${role}`;
}

interface ReadyRole {
  readonly name: string;
  readonly namespace: string;
  /** The object, as JSON. */
  readonly role: string;
}

function missingRole({ excess, isCut }: Exceeds, account: Account): ReadyRole | undefined {
  const [only, ...others] = excess;
  if (only === undefined || others.length > 0 || isCut || only.namespace === '') {
    return undefined;
  }
  const ready = readyRole(only, `like-${account.name}`);
  return ready.role.length <= longestRole ? ready : undefined;
}

function useRole({ namespace, name }: Account): ReadyRole {
  const rule = {
    apiGroups: [''],
    resources: ['serviceaccounts'],
    verbs: ['use'],
    resourceNames: [name],
    nonResourceURLs: [],
  };
  return readyRole({ namespace, rules: [rule] }, `use-${name}`);
}

function readyRole({ namespace, rules }: Excess, name: string): ReadyRole {
  const role = JSON.stringify({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name, namespace },
    rules: rules.map(writtenRule),
  });
  return { name, namespace, role };
}

function writtenRule({ apiGroups, resources, verbs, resourceNames }: PolicyRule): object {
  return { apiGroups, resources, verbs, ...(resourceNames.length === 0 ? {} : { resourceNames }) };
}

/** How kubectl is told who; undefined for a name that a shell would take apart. */
function subjectFlag(username: string): string | undefined {
  const account = accountOfUsername(username);
  if (account !== undefined) {
    return `--serviceaccount=${account.namespace}:${account.name}`;
  }
  return /^[A-Za-z0-9][-A-Za-z0-9._:@/]{0,63}$/.test(username) ? `--user=${username}` : undefined;
}
