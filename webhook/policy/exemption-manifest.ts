import type { AdmissionRequest, Json, JsonObject } from '../admission/request.ts';
import { digestOfObject } from './bound-digest.ts';
import { keyOf } from './exemption-key.ts';
import type { Finding } from './finding.ts';
import { addedSubjects, roleRefOf } from './grant.ts';
import { entriesAt, isJsonObject, listAt, textAt } from './json-access.ts';
import { familyOf, unliftableRules } from './rule-ids.ts';

/** The findings of one decision, and who could ask for an exemption from them. */
export interface ManifestQuestion {
  readonly request: AdmissionRequest;
  readonly findings: readonly Pick<Finding, 'rule' | 'path'>[];
  readonly now: Date;
}

const fortnightMs = 14 * 86_400_000;

/**
 * A ready Exemption for these findings, in YAML, with upper-case words where only its author knows what to write. Undefined when no exemption lifts any of them.
 * What cannot be lifted is left out. Holds names, never a value.
 */
export function printExemptionManifest(question: ManifestQuestion): string | undefined {
  const rules = [...new Set(question.findings.map(({ rule }) => rule))].filter((rule) => !unliftableRules.has(rule));
  if (rules.length === 0) {
    return undefined;
  }
  const { request, now } = question;
  return printYaml({
    apiVersion: 'sallyport.dev/v1alpha1',
    kind: 'Exemption',
    metadata: { name: manifestName(request) },
    spec: {
      rules,
      scope: [scopeOf(question, rules)],
      justification: 'WHY THIS IS NEEDED, IN TWENTY CHARACTERS OR MORE',
      ticket: { system: 'SYSTEM', id: 'TICKET' },
      category: 'waiver',
      owner: { team: 'TEAM', contact: 'CONTACT' },
      expiresAt: `${new Date(now.getTime() + fortnightMs).toISOString().slice(0, 19)}Z`,
    },
  });
}

function manifestName({ kind, name, namespace }: AdmissionRequest): string {
  const text = [namespace, name === '' ? 'NAME' : name, kind.kind].filter((part) => part !== '').join('-');
  return text
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-')
    .slice(0, 253);
}

function scopeOf({ request, findings }: ManifestQuestion, rules: readonly string[]): JsonObject {
  const { kind, namespace, object } = request;
  const keys = [...new Set(findings.flatMap((finding) => keyOf(finding, object ?? undefined) ?? []))];
  const name = request.name === '' ? (textAt(object ?? undefined, 'metadata', 'name') ?? 'NAME') : request.name;
  return {
    apiGroup: kind.group,
    kind: kind.kind,
    ...(namespace === '' ? {} : { namespace }),
    name,
    ...(keys.length === 0 ? {} : { keys }),
    ...(rules.some((rule) => familyOf(rule) === 'authorization') ? grantOf(request) : {}),
  };
}

/** What the approver reads: of a binding its role and the subjects it adds, of anything else a digest of its content. */
function grantOf(request: AdmissionRequest): JsonObject {
  const object = request.object ?? {};
  const role = roleRefOf(object);
  if (role !== undefined) {
    const subjects = addedSubjects(request).map(({ kind, namespace, name }) => ({
      kind,
      ...(namespace === '' ? {} : { namespace }),
      name,
    }));
    return { grant: { roleRef: { kind: role.kind, name: role.name }, subjects } };
  }
  const digest = digestOfObject(request.kind, object);
  return digest === undefined ? {} : { digest };
}

/** Block YAML of plain data: what is not a plain word is a JSON string, which YAML reads the same. */
function printYaml(value: JsonObject): string {
  return `${yamlLines(value).join('\n')}\n`;
}

function yamlLines(value: Json): readonly string[] {
  if (Array.isArray(value)) {
    return listAt(value).flatMap((item) => indented(yamlLines(item), '- '));
  }
  return isJsonObject(value)
    ? entriesAt(value).flatMap(([key, member]) =>
        isBlock(member) ? [`${key}:`, ...indented(yamlLines(member), '  ')] : [`${key}: ${scalar(member)}`],
      )
    : [scalar(value)];
}

function isBlock(value: Json): boolean {
  return typeof value === 'object' && value !== null;
}

function indented(lines: readonly string[], first: string): readonly string[] {
  return lines.map((line, index) => (index === 0 ? first : '  ') + line);
}

function scalar(value: Json): string {
  return typeof value === 'string' &&
    /^[A-Za-z][A-Za-z0-9 ,./_-]*$/.test(value) &&
    !/^(?:true|false|yes|no|on|off|null|y|n)$/i.test(value)
    ? value.trimEnd()
    : JSON.stringify(value);
}
