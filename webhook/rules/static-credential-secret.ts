import type { AdmissionRequest } from '../admission/request.ts';
import { isKeyOfCertificate } from '../credentials/certificate-match.ts';
import { type Detection, detectCredential, longestJudged } from '../credentials/detect.ts';
import { type SecretEntry, secretEntries } from '../credentials/secret-entries.ts';
import type { RuleContext } from '../policy/context.ts';
import { type Finding, pointer } from '../policy/finding.ts';
import { entriesAt, textAt } from '../policy/json-access.ts';
import { report } from '../policy/report.ts';
import type { ObjectRule } from '../policy/rule.ts';
import { shownKey } from '../policy/shown-name.ts';

export const staticCredentialSecret: ObjectRule = {
  id: 'static-credential-secret',
  title: 'A Secret that holds a long-lived credential which nobody rotates',
  why: 'A Secret written by hand stays valid until somebody remembers it. Whoever may read Secrets in the namespace, or a backup of etcd, has it from then on.',
  remediation:
    'Keep {key} in a secret manager such as Vault and let an ExternalSecret or a leased credential bring it, or let the workload log in with its own identity.',
  invariants: ['INV-2', 'INV-4', 'INV-5'],
  references: ['CIS 5.4.2', 'https://cwe.mitre.org/data/definitions/798.html'],
  controls: {
    CIS: ['5.4.2'],
    'SOC 2': ['CC6.1'],
    'ISO 27001:2022': ['A.5.17', 'A.8.24'],
    'PCI DSS 4.0.1': ['8.3.2', '8.6.3'],
    'NIST 800-53r5': ['IA-5', 'IA-5(6)', 'SC-28'],
    'kubescape, MITRE': ['C-0012', 'C-0208', 'T1552'],
  },
  since: '0.1.0',
  defaultMode: 'namespace',
  exemptable: true,
  judges: 'object',
  appliesTo: { kinds: ['Secret'], operations: ['CREATE', 'UPDATE'] },
  check,
};

/** Keys whose content another rule judges, by the type of the Secret. Any other key of such a Secret is judged here: a type is no hiding place. */
const keysOfOtherRules: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['kubernetes.io/service-account-token', new Set(['token', 'namespace', 'ca.crt'])],
  ['kubernetes.io/dockerconfigjson', new Set(['.dockerconfigjson'])],
  ['kubernetes.io/dockercfg', new Set(['.dockercfg'])],
  [
    'bootstrap.kubernetes.io/token',
    new Set([
      'token-id',
      'token-secret',
      'expiration',
      'description',
      'auth-extra-groups',
      'usage-bootstrap-authentication',
      'usage-bootstrap-signing',
    ]),
  ],
]);

/** K4: keys that hold an SSH key wherever they occur. */
const sshKeys: ReadonlySet<string> = new Set(['ssh-privatekey', 'id_rsa', 'id_ed25519', 'id_ecdsa', 'sshPrivateKey']);

function check(request: AdmissionRequest, context: RuleContext): readonly Finding[] {
  const type = textAt(request.object ?? undefined, 'type') ?? 'Opaque';
  const entries = entriesOf(request);
  const changed = changedEntries(entries, request).filter(({ key }) => keysOfOtherRules.get(type)?.has(key) !== true);
  const size = changed.reduce((sum, { text }) => sum + (text?.length ?? 0), 0);
  if (size > longestJudged) {
    return [undecidable('/data', 'the Secret', 'it', 'more text than can be judged (1 MiB)')];
  }
  return changed.flatMap((entry) => judge(entry, type, entries, context));
}

function entriesOf({ object }: AdmissionRequest): readonly SecretEntry[] {
  return secretEntries({
    data: entriesAt(object ?? undefined, 'data'),
    stringData: entriesAt(object ?? undefined, 'stringData'),
  });
}

/** On UPDATE only what this write changes is its author's doing. */
function changedEntries(entries: readonly SecretEntry[], { oldObject }: AdmissionRequest): readonly SecretEntry[] {
  const old = new Map(
    secretEntries({ data: entriesAt(oldObject ?? undefined, 'data'), stringData: [] }).map(
      ({ key, text }) => [key, text] as const,
    ),
  );
  return entries.filter(({ key, text }) => text === undefined || old.get(key) !== text);
}

function judge(
  entry: SecretEntry,
  type: string,
  all: readonly SecretEntry[],
  context: RuleContext,
): readonly Finding[] {
  const { key, member, text } = entry;
  const path = pointer('', member, key);
  const subject = `key ${shownKey(key)}`;
  if (text === undefined) {
    return [undecidable(path, subject, shownKey(key), member === 'data' ? 'not valid base64' : 'not text')];
  }
  const detection = byType(type, key, text) ?? detect(key, text, context);
  if (detection === undefined || (detection.detector === 'K6' && isBesideItsCertificate(entry, all))) {
    return [];
  }
  return [
    report(staticCredentialSecret, {
      path,
      subject,
      found: detection.what,
      detector: detection.detector,
      ...(detection.confidence === 'possible' ? { cap: 'warn' } : {}),
      values: { key: shownKey(key) },
    }),
  ];
}

/** K3 and K4: what the type or the key says outright. */
function byType(type: string, key: string, text: string): Detection | undefined {
  if (text.trim() === '') {
    return undefined;
  }
  if (type === 'kubernetes.io/basic-auth' && key === 'password') {
    return { detector: 'K3', confidence: 'certain', what: 'the password of a basic-auth Secret' };
  }
  return sshKeys.has(key) ? { detector: 'K4', confidence: 'certain', what: 'an SSH private key' } : undefined;
}

function detect(key: string, value: string, { referableNames, settings }: RuleContext): Detection | undefined {
  return detectCredential({ place: 'secret', key, value, referableNames, weakDefaults: settings.weakDefaults });
}

/** A private key beside its own certificate is a matter of that certificate's lifetime (`long-lived-certificate`). */
function isBesideItsCertificate({ key, text }: SecretEntry, all: readonly SecretEntry[]): boolean {
  const others = all.filter((other) => other.key !== key).map((other) => other.text ?? '');
  return text !== undefined && isKeyOfCertificate(text, others);
}

function undecidable(path: string, subject: string, key: string, what: string): Finding {
  return report(staticCredentialSecret, { path, subject, found: what, detector: 'undecidable', values: { key } });
}
