/*
 * The catalogue of ids: 28, final, never renamed and never given to another rule. A rule that is not written yet has its id here all the same, so that an
 * exemption may name it and nothing else takes it.
 */

export const ruleFamilies = {
  credentials: [
    'legacy-token-secret',
    'legacy-token-mount',
    'static-credential-secret',
    'registry-credential',
    'long-lived-certificate',
    'credential-in-env',
    'credential-in-args',
    'credential-in-config-map',
    'token-lifetime',
    'token-request',
    'certificate-request',
    'bootstrap-token',
    'managed-secret-source',
  ],
  authorization: [
    'cluster-role-binding-justification',
    'wildcard-role',
    'escalation-verbs',
    'system-group-binding',
    'workload-ceiling',
    'grant-ceiling',
    'token-ceiling',
  ],
  transport: ['sidecar-required', 'reserved-name', 'sidecar-access', 'host-namespace', 'plaintext-allowed'],
  guards: ['opt-out-guard', 'exemption-approval', 'legacy-token-caller'],
} as const;

export type RuleFamily = keyof typeof ruleFamilies;

const familyById: ReadonlyMap<string, RuleFamily> = new Map([
  ...ruleFamilies.credentials.map((id) => [id, 'credentials'] as const),
  ...ruleFamilies.authorization.map((id) => [id, 'authorization'] as const),
  ...ruleFamilies.transport.map((id) => [id, 'transport'] as const),
  ...ruleFamilies.guards.map((id) => [id, 'guards'] as const),
]);

/** The family that an id belongs to; undefined for what is no rule of ours. */
export function familyOf(ruleId: string): RuleFamily | undefined {
  return familyById.get(ruleId);
}

/** Rules that no exemption lifts. */
export const unliftableRules: ReadonlySet<string> = new Set(['exemption-approval', 'reserved-name']);

/** Rules about what a Secret or ConfigMap holds: an exemption from one names the keys it covers. */
export const contentRules: ReadonlySet<string> = new Set([
  'static-credential-secret',
  'registry-credential',
  'long-lived-certificate',
  'credential-in-config-map',
]);

/** Rules whose exemption never serves the approver: the beneficiary is whoever writes the object. */
export const ceilingRules: ReadonlySet<string> = new Set(['workload-ceiling', 'grant-ceiling', 'token-ceiling']);
