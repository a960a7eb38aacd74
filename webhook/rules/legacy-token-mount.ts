import type { Json, JsonObject } from '../admission/request.ts';
import { visitContainers } from '../policy/containers.ts';
import type { RuleContext } from '../policy/context.ts';
import { type Finding, pointer } from '../policy/finding.ts';
import { listAt, textAt } from '../policy/json-access.ts';
import { report } from '../policy/report.ts';
import type { PodRule, PodSubject } from '../policy/rule.ts';
import { shownKey, shownName } from '../policy/shown-name.ts';

const tokenType = 'kubernetes.io/service-account-token';

export const legacyTokenMount: PodRule = {
  id: 'legacy-token-mount',
  title: 'A pod that takes a service-account token from a Secret',
  why: 'Such a token outlives the pod, the node and the deployment that used it. Stolen from one pod it works from anywhere, as that account, until somebody deletes the Secret.',
  remediation:
    'Mount a projected serviceAccountToken volume (with audience and expirationSeconds: 600) in place of Secret {secret}.',
  invariants: ['INV-2', 'INV-5'],
  references: ['KEP-1205', 'KEP-2799', 'CIS 5.1.6'],
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
  judges: 'pod',
  templates: true,
  operations: ['CREATE', 'UPDATE'],
  check: ({ pod, base }: PodSubject, { secretTypes }: RuleContext): readonly Finding[] =>
    [...volumeReferences(pod, base), ...variableReferences(pod, base)]
      .filter(({ secret }) => secretTypes.get(secret) === tokenType)
      .map(({ secret, path, subject }) =>
        report(legacyTokenMount, {
          path,
          subject,
          found: `takes the long-lived service-account token in Secret ${shownName(secret)}`,
          detector: 'K1',
          values: { secret: shownKey(secret) },
        }),
      ),
};

/** A place that names a Secret. A Secret nobody knows is no finding: its creation is judged. */
interface Reference {
  readonly secret: string;
  readonly path: string;
  readonly subject: string;
}

function volumeReferences(pod: JsonObject, base: string): readonly Reference[] {
  return listAt(pod, 'spec', 'volumes').flatMap((volume, index) => {
    const subject = `volume ${shownName(textAt(volume, 'name') ?? '')}`;
    const path = pointer(base, 'spec', 'volumes', index);
    return [
      ...named(volume, ['secret', 'secretName'], path, subject),
      ...listAt(volume, 'projected', 'sources').flatMap((source, position) =>
        named(source, ['secret', 'name'], pointer(path, 'projected', 'sources', position), subject),
      ),
      ...named(volume, ['csi', 'nodePublishSecretRef', 'name'], path, subject),
    ];
  });
}

function variableReferences(pod: JsonObject, base: string): readonly Reference[] {
  return visitContainers(pod, base).flatMap(({ container, label, path }) => [
    ...listAt(container, 'env').flatMap((variable, index) =>
      named(
        variable,
        ['valueFrom', 'secretKeyRef', 'name'],
        pointer(path, 'env', index),
        `${label}, env ${shownKey(textAt(variable, 'name') ?? '')}`,
      ),
    ),
    ...listAt(container, 'envFrom').flatMap((source, index) =>
      named(source, ['secretRef', 'name'], pointer(path, 'envFrom', index), `${label}, envFrom`),
    ),
  ]);
}

/** The Secret that `steps` lead to from `from`, which stands at `path`. */
function named(from: Json, steps: readonly string[], path: string, subject: string): readonly Reference[] {
  const secret = textAt(from, ...steps);
  return secret === undefined ? [] : [{ secret, path: pointer(path, ...steps), subject }];
}
