import { clusterRoleBindingJustificationCases } from '../../webhook/rules/cluster-role-binding-justification.cases.ts';
import { credentialInEnvCases } from '../../webhook/rules/credential-in-env.cases.ts';
import { exemptionApprovalCases } from '../../webhook/rules/exemption-approval.cases.ts';
import { legacyTokenMountCases } from '../../webhook/rules/legacy-token-mount.cases.ts';
import { legacyTokenSecretCases } from '../../webhook/rules/legacy-token-secret.cases.ts';
import { reservedNameCases } from '../../webhook/rules/reserved-name.cases.ts';
import { sidecarRequiredCases } from '../../webhook/rules/sidecar-required.cases.ts';
import { staticCredentialSecretCases } from '../../webhook/rules/static-credential-secret.cases.ts';
import { workloadCeilingCases } from '../../webhook/rules/workload-ceiling.cases.ts';
import type { RuleCases } from './rule-cases.ts';

/** Every table of cases, in the order of the catalogue. */
export const allRuleCases: readonly RuleCases[] = [
  legacyTokenSecretCases,
  legacyTokenMountCases,
  staticCredentialSecretCases,
  credentialInEnvCases,
  clusterRoleBindingJustificationCases,
  workloadCeilingCases,
  sidecarRequiredCases,
  reservedNameCases,
  exemptionApprovalCases,
];
