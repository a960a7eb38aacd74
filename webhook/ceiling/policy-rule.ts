import type { Json } from '../admission/request.ts';
import { isJsonObject, listAt } from '../policy/json-access.ts';

/** One RBAC rule, absent lists empty. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** The rules of a role as they came; what is no object grants nothing, what is no text is no entry. */
export function parsePolicyRules(rules: Json | undefined): readonly PolicyRule[] {
  return listAt(rules).flatMap((rule) =>
    isJsonObject(rule)
      ? [
          {
            apiGroups: texts(rule, 'apiGroups'),
            resources: texts(rule, 'resources'),
            verbs: texts(rule, 'verbs'),
            resourceNames: texts(rule, 'resourceNames'),
            nonResourceURLs: texts(rule, 'nonResourceURLs'),
          },
        ]
      : [],
  );
}

function texts(rule: Json, member: string): readonly string[] {
  return listAt(rule, member).filter((entry) => typeof entry === 'string');
}
