import type { Json } from '../admission/request.ts';
import { type Detection, detectCredential, longestJudged } from '../credentials/detect.ts';
import { expandVariables } from '../credentials/variables.ts';
import { type ContainerPlace, visitContainers } from '../policy/containers.ts';
import type { RuleContext } from '../policy/context.ts';
import { type Finding, pointer } from '../policy/finding.ts';
import { isSameJson, listAt, memberAt, textAt } from '../policy/json-access.ts';
import { report } from '../policy/report.ts';
import type { PodRule, PodSubject } from '../policy/rule.ts';
import { shownKey } from '../policy/shown-name.ts';

export const credentialInEnv: PodRule = {
  id: 'credential-in-env',
  title: 'A literal credential in an environment variable',
  why: 'A literal in a manifest is in version control, in etcd, in every copy and backup, and readable by whoever may read the workload. It never rotates and nobody knows who has it.',
  remediation:
    'Take {variable} from a Secret by valueFrom.secretKeyRef (one that a secret manager fills), or drop it and let the workload log in with its own identity.',
  invariants: ['INV-2', 'INV-5'],
  references: ['CIS 5.4.1', 'https://cwe.mitre.org/data/definitions/798.html'],
  controls: {
    CIS: ['5.4.1'],
    'SOC 2': ['CC6.1', 'CC6.7'],
    'ISO 27001:2022': ['A.5.17', 'A.8.12'],
    'PCI DSS 4.0.1': ['8.6.2'],
    'NIST 800-53r5': ['IA-5(6)', 'IA-5(7)', 'CM-6'],
    'kubescape, MITRE': ['C-0012', 'C-0207'],
  },
  since: '0.1.0',
  defaultMode: 'namespace',
  exemptable: true,
  judges: 'pod',
  templates: true,
  operations: ['CREATE', 'UPDATE'],
  check: ({ pod, base }: PodSubject, context: RuleContext): readonly Finding[] =>
    visitContainers(pod, base)
      .filter((place) => !isDerived(place, context))
      .flatMap((place) => judgeContainer(place, context)),
};

/** The sidecar exactly as we derived it holds our own settings, and no author's words that are not judged where they stand. */
function isDerived({ container, kind, name }: ContainerPlace, { expectedPod }: RuleContext): boolean {
  return (
    kind === 'init' &&
    name.startsWith('sallyport-') &&
    expectedPod?.kind === 'inject' &&
    listAt(expectedPod.pod, 'spec', 'initContainers').some((derived) => isSameJson(derived, container))
  );
}

function judgeContainer(place: ContainerPlace, context: RuleContext): readonly Finding[] {
  const variables = listAt(place.container, 'env').map((variable) => ({
    name: textAt(variable, 'name') ?? '',
    value: literalOf(variable),
  }));
  const text = variables.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  const expanded = text > longestJudged ? undefined : expandVariables(variables);
  if (expanded === undefined) {
    return [undecidable(place)];
  }
  return expanded.flatMap(({ name, value }, index) => {
    const detection = value === undefined ? undefined : detect(name, value, context);
    return detection === undefined ? [] : [found(place, index, name, detection)];
  });
}

/** A number or boolean is refused by the API server, but `sallyport check` sees it first. */
function literalOf(variable: Json): string | undefined {
  const value = memberAt(variable, 'value');
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function detect(key: string, value: string, { referableNames, settings }: RuleContext): Detection | undefined {
  return detectCredential({ place: 'env', key, value, referableNames, weakDefaults: settings.weakDefaults });
}

function found(place: ContainerPlace, index: number, name: string, { detector, confidence, what }: Detection): Finding {
  return report(credentialInEnv, {
    path: pointer(place.path, 'env', index, 'value'),
    subject: `${place.label}, env ${shownKey(name)}`,
    found: what,
    detector,
    ...(confidence === 'possible' ? { cap: 'warn' } : {}),
    values: { variable: shownKey(name) },
  });
}

function undecidable(place: ContainerPlace): Finding {
  return report(credentialInEnv, {
    path: pointer(place.path, 'env'),
    subject: `${place.label}, env`,
    found: 'more text than can be judged (1 MiB after expansion)',
    detector: 'undecidable',
    values: { variable: 'it' },
  });
}
