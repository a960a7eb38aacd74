import type { Exemption, ExemptionGrant, ExemptionScope } from '../../manifests/resources/exemption.ts';
import { strictExemption } from '../../manifests/resources/exemption.ts';
import type { JsonObject } from '../admission/request.ts';
import { pointer } from './finding.ts';
import { contentRules, familyOf, unliftableRules } from './rule-ids.ts';
import type { ExemptionSettings } from './settings.ts';
import { printable } from './shown-name.ts';

/** What is wrong with an exemption as it was written. `path`: JSON pointer. `field`: how a person calls the place. */
export interface Mistake {
  readonly path: string;
  readonly field: string;
  readonly found: string;
}

const day = 86_400_000;
/** Longest life of what makes its holder anyone. */
const longestEscalationMs = 30 * day;
const escalationVerbs: ReadonlySet<string> = new Set(['bind', 'escalate', 'impersonate']);

/** Everything wrong with what an exemption asks for: its form, unknown or unliftable rules, a scope too wide, an end too far off. A status is not looked at. */
export function mistakesOfSpec(object: JsonObject, now: Date, settings: ExemptionSettings): readonly Mistake[] {
  const parsed = strictExemption.safeParse({ ...object, status: undefined });
  if (!parsed.success) {
    return mistakesOfForm(parsed.error.issues);
  }
  const { spec } = parsed.data;
  return [
    ...spec.rules.flatMap(mistakesOfRule),
    ...spec.scope.flatMap((entry, index) => mistakesOfScope(entry, index, spec.rules)),
    ...mistakesOfTicket(spec.ticket.id, settings.ticketPattern),
    ...mistakesOfCategory(spec),
    ...mistakesOfEnd(spec, now, settings.maxLifetimeMs),
  ];
}

/** Everything wrong with the form of a status. */
export function mistakesOfStatusForm(object: JsonObject): readonly Mistake[] {
  const parsed = strictExemption.shape.status.safeParse(object['status']);
  return parsed.success ? [] : mistakesOfForm(parsed.error.issues, 'status');
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function mistakesOfForm(issues: readonly Issue[], ...before: readonly string[]): readonly Mistake[] {
  return issues.map(({ path, message }) => {
    const steps = [...before, ...path.map((step) => String(step))];
    return {
      path: pointer('', ...steps),
      field: printable(steps.join('.')) || 'the object',
      found: printable(message),
    };
  });
}

function mistakesOfRule(rule: string, index: number): readonly Mistake[] {
  const at = (found: string) => [{ path: pointer('', 'spec', 'rules', index), field: `spec.rules[${index}]`, found }];
  if (familyOf(rule) === undefined) {
    return at(`no rule is called ${rule.slice(0, 64)}`);
  }
  return unliftableRules.has(rule) ? at(`no exemption lifts ${rule}`) : [];
}

function mistakesOfScope(entry: ExemptionScope, index: number, rules: readonly string[]): readonly Mistake[] {
  const at = (found: string) => ({ path: pointer('', 'spec', 'scope', index), field: `spec.scope[${index}]`, found });
  const needsGrant =
    rules.some((rule) => familyOf(rule) === 'authorization') && entry.grant === undefined && entry.digest === undefined;
  const needsKeys = rules.some((rule) => contentRules.has(rule)) && entry.keys === undefined;
  return [
    ...(needsGrant
      ? [at('a rule about authorization needs a grant or a digest, so that its approver sees what is granted')]
      : []),
    ...(needsKeys ? [at('a rule about content needs the keys that it covers')] : []),
  ];
}

function mistakesOfTicket(id: string, pattern: string): readonly Mistake[] {
  return matchesWhole(pattern, id)
    ? []
    : [
        {
          path: '/spec/ticket/id',
          field: 'spec.ticket.id',
          found: 'not a ticket of this organisation (exemptions.ticketPattern)',
        },
      ];
}

/** A pattern that is none matches nothing; the settings have refused it already. */
function matchesWhole(pattern: string, text: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, 'u').test(text);
  } catch {
    return false;
  }
}

function mistakesOfCategory({ category, compensatingControl }: Exemption['spec']): readonly Mistake[] {
  return category === 'mitigated' && compensatingControl === undefined
    ? [
        {
          path: '/spec/compensatingControl',
          field: 'spec.compensatingControl',
          found: 'missing, although the category is mitigated',
        },
      ]
    : [];
}

function mistakesOfEnd({ expiresAt, scope }: Exemption['spec'], now: Date, maxLifetimeMs: number): readonly Mistake[] {
  const left = Date.parse(expiresAt) - now.getTime();
  const longest = scope.some(({ grant }) => grant !== undefined && isEscalating(grant))
    ? Math.min(maxLifetimeMs, longestEscalationMs)
    : maxLifetimeMs;
  const at = (found: string) => [{ path: '/spec/expiresAt', field: 'spec.expiresAt', found }];
  if (left <= 0) {
    return at('already past');
  }
  return left > longest ? at(`more than ${Math.floor(longest / day)} days ahead`) : [];
}

/** Whether a grant holds everything, or a verb by which its holder becomes someone else. Of roles by name only cluster-admin is known to. */
function isEscalating({ roleRef, rules = [] }: ExemptionGrant): boolean {
  const holds = (list: readonly string[] | undefined, ...wanted: readonly string[]) =>
    wanted.some((item) => list?.includes(item) === true);
  return (
    roleRef?.name === 'cluster-admin' ||
    rules.some(
      ({ apiGroups, resources, verbs }) =>
        verbs.some((verb) => escalationVerbs.has(verb)) ||
        (holds(apiGroups, '*') && holds(resources, '*') && holds(verbs, '*')),
    )
  );
}
