import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../admission/request.ts';
import { entriesAt, isJsonObject, listAt, memberAt } from './json-access.ts';
import { kindKey } from './pod-template.ts';

/**
 * What an exemption's `digest` binds to, of an object as the API server has defaulted it, lists in their order: of bindings `{roleRef, subjects}`, of roles
 * `{rules, aggregationRule}`, of Secret and ConfigMap the type and the sorted names of the keys, never a value. Undefined for other kinds: workloads are bound by
 * their template projection (`deployer/template-projection.ts`).
 */
export function boundContent(
  kind: { readonly group: string; readonly kind: string },
  object: JsonObject,
): Json | undefined {
  switch (kindKey(kind)) {
    case 'RoleBinding.rbac.authorization.k8s.io':
    case 'ClusterRoleBinding.rbac.authorization.k8s.io':
      return present({ roleRef: memberAt(object, 'roleRef'), subjects: memberAt(object, 'subjects') });
    case 'Role.rbac.authorization.k8s.io':
    case 'ClusterRole.rbac.authorization.k8s.io':
      return present({ rules: memberAt(object, 'rules'), aggregationRule: memberAt(object, 'aggregationRule') });
    case 'Secret':
      return present({ type: memberAt(object, 'type'), keys: keyNames(object, 'data', 'stringData') });
    case 'ConfigMap':
      return { keys: keyNames(object, 'data', 'binaryData') };
    default:
      return undefined;
  }
}

function keyNames(object: JsonObject, ...members: readonly string[]): readonly string[] {
  const names = members.flatMap((member) => entriesAt(object, member).map(([key]) => key));
  return [...new Set(names)].sort();
}

/** Without the members that are not there, as RFC 8785 has no word for them. */
function present(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined));
}

/** `sha256:` and the hex digest of the canonical JSON of `value`. */
export function digestOf(value: Json): string {
  return `sha256:${createHash('sha256').update(canonicalJson(value), 'utf8').digest('hex')}`;
}

/**
 * RFC 8785: members sorted by UTF-16 code units, no white space, numbers and strings as ECMAScript writes them. Only for values that came out of a JSON parser:
 * no NaN, no `undefined`.
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) {
    return `[${listAt(value).map(canonicalJson).join(',')}]`;
  }
  if (isJsonObject(value)) {
    // Without a comparison `sort` is by UTF-16 code units, as the RFC wants it, and quicker.
    const members = Object.keys(value).sort();
    return `{${members.flatMap((key) => memberText(key, value[key])).join(',')}}`;
  }
  return JSON.stringify(value);
}

function memberText(key: string, member: Json | undefined): readonly string[] {
  return member === undefined ? [] : [`${JSON.stringify(key)}:${canonicalJson(member)}`];
}
