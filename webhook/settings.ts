import { accepted, type Parsed, refused } from '../runtime/parsed.ts';
import { defineSettings, type SettingsOf } from '../runtime/settings/define-settings.ts';
import { absolutePath, duration, integer, listOf, oneOf, parsed, text } from '../runtime/settings/kinds.ts';
import { type Environment, readSettings } from '../runtime/settings/read-settings.ts';
import { parseTrustDomain } from '../spiffe/trust-domain.ts';
import { allRules } from './rules/all-rules.ts';

const day = 24 * 60 * 60 * 1_000;
const mebibyte = 1024 * 1024;

const mode = () => oneOf(['off', 'audit', 'warn', 'enforce']);

/** `rules.<id>.mode` for every rule that a setting may weaken; guards enforce whatever anybody sets. */
const ruleRows = Object.fromEntries(
  allRules
    .filter(({ defaultMode }) => defaultMode !== 'guard')
    .map(({ id }) => [
      id,
      {
        mode: mode()
          .optional()
          .meta({ description: `Strongest mode of rule ${id}; absent: as the namespace or \`clusterPolicy\` says.` }),
      },
    ]),
);

/** The webhook's settings, each with what it means. Times are milliseconds inside and text such as `24h` outside. */
export const webhookSettings = defineSettings({
  trustDomain: parsed(parseTrustDomain, (name) => name).meta({
    description: 'Trust domain of this cluster.',
    example: 'prod.example',
  }),
  cluster: text().default('default').meta({ description: 'Name of this cluster in audit events.' }),
  systemNamespace: text().default('sallyport-system').meta({ description: 'Namespace of this release.' }),
  service: text().default('sallyport-webhook').meta({ description: 'Service that leads to the webhook.' }),
  podName: text().meta({ description: 'Own pod (downward API).', example: 'sallyport-webhook-5f7d-abcde' }),
  podUid: text().meta({ description: 'Own pod UID (downward API).', example: '9f2c0c1e-0000-4000-8000-000000000000' }),
  nodeName: text().default('unknown').meta({ description: 'Own node (downward API).' }),
  clusterPolicy: mode().default('enforce').meta({ description: 'Mode of the rules for cluster-scoped objects.' }),
  clusterNamespaces: listOf(text())
    .default(['kube-system', 'kube-public', 'kube-node-lease', 'sallyport-system'])
    .meta({
      description: 'Namespaces where a binding takes the cluster: authorization rules follow `clusterPolicy` there.',
    }),
  rules: ruleRows,
  exemptions: {
    maxLifetime: duration({ min: 60_000, max: 3_660 * day })
      .default(90 * day)
      .meta({ description: 'How far ahead an exemption may expire.' }),
    ticketPattern: parsed(parsePattern, (pattern) => pattern)
      .default('.+')
      .meta({ description: 'Regular expression that the whole ticket id must match.', example: 'SEC-[0-9]+' }),
    approverAccounts: listOf(text())
      .default([])
      .meta({ description: 'Service accounts, by username, that may approve in place of a person.' }),
  },
  credentials: {
    weakDefaults: oneOf(['enforce', 'warn'])
      .default('enforce')
      .meta({ description: 'What becomes of literals such as `changeme`, which work as passwords all the same.' }),
  },
  breakGlassGroups: listOf(text()).optional().meta({
    description:
      'Groups that may act when everything else has failed. Nothing fails closed before this is set; empty says: nobody but system:masters.',
    example: 'cluster-admins',
  }),
  injection: {
    image: text().meta({
      description: 'Image of the injected sidecar, by digest.',
      example: 'registry.example/sallyport@sha256:0000000000000000000000000000000000000000000000000000000000000000',
    }),
    authorityAddress: text()
      .default('sallyport-authority.sallyport-system.svc:8443')
      .meta({ description: 'Where sidecars find the authority.' }),
  },
  listenAddress: text().default('::').meta({ description: 'Address of both listeners.' }),
  port: integer({ min: 0, max: 65_535 }).default(8_443).meta({ description: 'Port of admission, HTTPS.' }),
  metricsPort: integer({ min: 0, max: 65_535 })
    .default(9_090)
    .meta({ description: 'Port of `/metrics`, `/started`, `/ready` and `/live`, plain HTTP.' }),
  bodyLimitBytes: integer({ min: mebibyte, max: 64 * mebibyte })
    .default(8 * mebibyte)
    .meta({ description: 'Largest review that is read.' }),
  drainTimeout: duration({ min: 0, max: 60_000 })
    .default(10_000)
    .meta({ description: 'What open requests get to end by themselves after SIGTERM.' }),
  serviceAccountDir: absolutePath()
    .default('/var/run/secrets/kubernetes.io/serviceaccount')
    .meta({ description: 'Folder of the projected token and CA for the API server.' }),
  kubernetesHost: text().meta({ description: 'API server; by default KUBERNETES_SERVICE_HOST.', example: '10.96.0.1' }),
  kubernetesPort: integer({ min: 1, max: 65_535 })
    .default(443)
    .meta({ description: 'Its port; by default KUBERNETES_SERVICE_PORT.' }),
  auditDir: absolutePath().default('/var/lib/sallyport/audit').meta({ description: 'Folder of the audit log.' }),
  auditOnFailure: oneOf(['open', 'closed']).default('open').meta({
    description:
      'Whether a decision stands that could not be written to the audit log. The use of an exemption never does.',
  }),
  logLevel: oneOf(['debug', 'info', 'warn', 'error'])
    .default('info')
    .meta({ description: 'Least severe log line that is written.' }),
});

/** Every setting, frozen. */
export type WebhookSettings = SettingsOf<typeof webhookSettings>;

/**
 * Reads the settings of a pod. Throws `SettingsFailure` with every mistake. The API server's address comes from the variables that Kubernetes sets unless ours say
 * otherwise.
 */
export function readWebhookSettings(environment: Environment): WebhookSettings {
  return readSettings(webhookSettings, {
    ...environment,
    SALLYPORT_KUBERNETES_HOST: environment['SALLYPORT_KUBERNETES_HOST'] ?? environment['KUBERNETES_SERVICE_HOST'],
    SALLYPORT_KUBERNETES_PORT: environment['SALLYPORT_KUBERNETES_PORT'] ?? environment['KUBERNETES_SERVICE_PORT'],
  });
}

function parsePattern(source: string): Parsed<string> {
  try {
    void new RegExp(`^(?:${source})$`, 'u');
    return accepted(source);
  } catch {
    return refused({ code: 'invalid-pattern', message: 'expected a regular expression' });
  }
}
