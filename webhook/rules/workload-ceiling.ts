import type { Requester } from '../admission/request.ts';
import type { Account } from '../ceiling/account.ts';
import { type CeilingAnswer, judgeCeiling } from '../ceiling/ceiling.ts';
import { explainExcess } from '../ceiling/explain-excess.ts';
import { serviceAccountOf, templateDigest } from '../deployer/template-projection.ts';
import { whoDeployed } from '../deployer/who-deployed.ts';
import type { RuleContext } from '../policy/context.ts';
import { type Finding, pointer } from '../policy/finding.ts';
import { report } from '../policy/report.ts';
import type { PodRule, PodSubject } from '../policy/rule.ts';
import { shownName } from '../policy/shown-name.ts';

export const workloadCeiling: PodRule = {
  id: 'workload-ceiling',
  title: 'A workload that may do more than whoever deployed it',
  why: 'Who may create a pod under a powerful account has that power, whatever RBAC says of them. So a workload may do at most what its deployer may do.',
  remediation: 'Run under an account that may do no more than you, or have an administrator {act}.',
  invariants: ['INV-9'],
  references: ['Kubernetes RBAC good practices, workload creation', 'CIS 5.1.4'],
  controls: {
    CIS: ['5.1.4', '5.1.5'],
    'SOC 2': ['CC6.1', 'CC6.3'],
    'ISO 27001:2022': ['A.5.15', 'A.8.2', 'A.8.3'],
    'PCI DSS 4.0.1': ['7.2.1', '7.2.5'],
    'NIST 800-53r5': ['AC-3', 'AC-5', 'AC-6'],
    'MITRE ATT&CK': ['T1610', 'T1078'],
  },
  since: '0.1.0',
  defaultMode: 'namespace',
  exemptable: true,
  judges: 'pod',
  templates: true,
  operations: ['CREATE', 'UPDATE'],
  check,
};

function check({ pod, oldPod, base, request }: PodSubject, context: RuleContext): readonly Finding[] {
  const isUnchanged = oldPod !== null && templateDigest(pod) === templateDigest(oldPod);
  if (context.rbac === undefined || isUnchanged || whoDeployed(request, context).kind === 'judged-at-owner') {
    return [];
  }
  const account = { namespace: request.namespace, name: serviceAccountOf(pod) };
  const answer = judgeCeiling({
    graph: context.rbac,
    account,
    requester: request.requester,
    unlimitedGroups: context.settings.breakGlassGroups,
  });
  const place = { path: pointer(base, 'spec', 'serviceAccountName'), subject: `account ${shownName(account.name)}` };
  return [...exceeding(answer, account, request.requester, place), ...unknown(answer, place)];
}

interface Place {
  readonly path: string;
  readonly subject: string;
}

function exceeding(answer: CeilingAnswer, account: Account, requester: Requester, place: Place): readonly Finding[] {
  if (answer.kind === 'within') {
    return [];
  }
  const { found, act } = explainExcess(answer, account, requester);
  const needs = answer.isCut ? {} : { needs: answer.excess.flatMap(({ rules }) => rules) };
  return [report(workloadCeiling, { ...place, found, ...needs, values: { act } })];
}

/** A role that does not exist yet: whoever creates it later grants it to this workload. */
function unknown({ unknownRoles }: CeilingAnswer, place: Place): readonly Finding[] {
  return unknownRoles.map((name) =>
    report(workloadCeiling, {
      ...place,
      found: `bound to ${shownName(name)}, which does not exist, so that nobody can say what it will grant`,
      cap: 'warn',
      values: { act: 'create that role first, or remove the binding' },
    }),
  );
}
