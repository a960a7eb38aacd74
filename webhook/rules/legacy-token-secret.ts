import type { AdmissionRequest } from '../admission/request.ts';
import type { Finding } from '../policy/finding.ts';
import { isSameJson, memberAt, textAt } from '../policy/json-access.ts';
import { report } from '../policy/report.ts';
import type { ObjectRule } from '../policy/rule.ts';

const tokenType = 'kubernetes.io/service-account-token';

/** Who fills such a Secret once it exists. */
const tokenControllers: ReadonlySet<string> = new Set([
  'system:kube-controller-manager',
  'system:serviceaccount:kube-system:tokens-controller',
]);

export const legacyTokenSecret: ObjectRule = {
  id: 'legacy-token-secret',
  title: 'A Secret that holds a service-account token without an end',
  why: 'The controller fills such a Secret with a token that never expires and is bound to no pod. Whoever reads it once is that account for ever, from anywhere.',
  remediation:
    'Use a projected token: a serviceAccountToken volume in the pod, or kubectl create token {account} --duration=10m --audience=AUDIENCE outside it.',
  invariants: ['INV-2', 'INV-5'],
  references: [
    'KEP-2799',
    'CIS 5.1.6',
    'https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets',
  ],
  controls: {
    CIS: ['5.1.6', '5.1.13'],
    'SOC 2': ['CC6.1', 'CC6.3'],
    'ISO 27001:2022': ['A.5.16', 'A.5.17'],
    'PCI DSS 4.0.1': ['8.6.1', '8.6.3'],
    'NIST 800-53r5': ['IA-4', 'IA-5', 'AC-2'],
    'kubescape, MITRE': ['C-0034', 'C-0287', 'T1528'],
  },
  since: '0.1.0',
  defaultMode: 'namespace',
  exemptable: true,
  judges: 'object',
  appliesTo: { kinds: ['Secret'], operations: ['CREATE', 'UPDATE'] },
  check,
};

function check(request: AdmissionRequest): readonly Finding[] {
  const object = request.object ?? undefined;
  if (textAt(object, 'type') !== tokenType) {
    return [];
  }
  return request.operation === 'CREATE' ? [created(request)] : changed(request);
}

/** K1. The data is empty when such a Secret is created, so its type alone is judged. */
function created(request: AdmissionRequest): Finding {
  return found(request, '/type', 'a long-lived service-account token');
}

/** Labels and annotations may change (the controller notes the last use there); the token is the controller's alone. */
function changed(request: AdmissionRequest): readonly Finding[] {
  const [object, old] = [request.object ?? undefined, request.oldObject ?? undefined];
  const isUnchanged =
    isSameJson(memberAt(object, 'data'), memberAt(old, 'data')) && memberAt(object, 'stringData') === undefined;
  return isUnchanged || tokenControllers.has(request.requester.username)
    ? []
    : [found(request, '/data', 'the data of a long-lived service-account token, changed by hand')];
}

function found(request: AdmissionRequest, path: string, what: string): Finding {
  const account = textAt(request.object ?? undefined, 'metadata', 'annotations', 'kubernetes.io/service-account.name');
  return report(legacyTokenSecret, {
    path,
    subject: `type ${tokenType}`,
    found: what,
    detector: 'K1',
    values: { account: account !== undefined && /^[a-z0-9.-]{1,63}$/.test(account) ? account : 'ACCOUNT' },
  });
}
