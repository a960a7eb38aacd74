import type { Rule } from '../policy/rule.ts';
import { clusterRoleBindingJustification } from './cluster-role-binding-justification.ts';
import { credentialInEnv } from './credential-in-env.ts';
import { exemptionApproval } from './exemption-approval.ts';
import { legacyTokenMount } from './legacy-token-mount.ts';
import { legacyTokenSecret } from './legacy-token-secret.ts';
import { reservedName } from './reserved-name.ts';
import { sidecarRequired } from './sidecar-required.ts';
import { staticCredentialSecret } from './static-credential-secret.ts';
import { workloadCeiling } from './workload-ceiling.ts';

/** Every rule, in the order of the catalogue, written out by hand; findings of a denial come in this order. */
export const allRules: readonly Rule[] = [
  legacyTokenSecret,
  legacyTokenMount,
  staticCredentialSecret,
  credentialInEnv,
  clusterRoleBindingJustification,
  workloadCeiling,
  sidecarRequired,
  reservedName,
  exemptionApproval,
];
