import type { Requester } from '../admission/request.ts';
import { shownKey } from '../policy/shown-name.ts';
import { type Account, accountOfUsername } from './account.ts';
import type { CeilingAnswer, Excess } from './ceiling.ts';
import type { PolicyRule } from './policy-rule.ts';

type Exceeds = Extract<CeilingAnswer, { readonly kind: 'exceeds' }>;

const shownRules = 5;
const shownWords = 4;
/** What a denial's line has room for between its subject and its end, the words around it aside. The Role comes first: a cut one is no use to anybody. */
const longestText = 470;
const longestRole = 260;
const shortestFound = 60;

/** An excess for a finding: what it is, and what an administrator would do about it. Together they fit a denial's line. */
export interface ExplainedExcess {
  readonly found: string;
  readonly act: string;
}

export function explainExcess(
  answer: Exceeds,
  account: Account,
  requester: Pick<Requester, 'username'>,
): ExplainedExcess {
  const act = readyGrant(answer, account, requester);
  const suffix = '; you may not';
  const room = Math.max(shortestFound, longestText - act.length - suffix.length);
  return { found: excessSentences(answer, room).join('; ') + suffix, act };
}

/** What exceeds, as a person says it: `may get, list secrets in namespace payments`. At most five sentences, as many as `room` characters hold, then how many more. */
function excessSentences({ excess, isCut }: Exceeds, room: number): readonly string[] {
  const all = excess.flatMap(({ namespace, rules }) => rules.map((rule) => sentence(rule, namespace)));
  const [first = '', ...others] = all.slice(0, shownRules);
  const shown = [first.length <= room ? first : `${first.slice(0, room - 3)}...`];
  for (const other of others) {
    const isRoomy = [...shown, other, 'and 1000 more'].join('; ').length <= room;
    if (!isRoomy) {
      break;
    }
    shown.push(other);
  }
  const rest = all.length - shown.length;
  return rest > 0 ? [...shown, `and ${rest}${isCut ? ' or more' : ''} more`] : shown;
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
function readyGrant(answer: Exceeds, account: Account, requester: Pick<Requester, 'username'>): string {
  const { role, name, namespace } = missingRole(answer, account) ?? useRole(account);
  const who = subjectFlag(requester.username);
  const command =
    who === undefined ? '' : ` (kubectl create rolebinding ${name} -n ${namespace} --role=${name} ${who})`;
  const [full, short] = [command, ''].map((bind) => `apply this Role and bind it to you${bind}: ${role}`);
  const fitting = [full, short].find((text) => text !== undefined && text.length <= longestText - shortestFound);
  return fitting ?? 'grant you the verb use on this account';
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
