import { defineSettings, type SettingsOf } from '../runtime/settings/define-settings.ts';
import { absolutePath, duration, integer, oneOf, parsed, text } from '../runtime/settings/kinds.ts';
import { type Environment, readSettings } from '../runtime/settings/read-settings.ts';
import { parseTrustDomain } from '../spiffe/trust-domain.ts';
import { defaultIdTemplate, parseIdTemplate } from './entitlement/id-template.ts';
import { leastPeriodMs } from './keys/key-times.ts';
import { defaultLimitFigures } from './limits/issuance-limits.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const perSecond = (value: number, description: string) =>
  integer({ min: 1, max: 100_000 }).default(value).meta({ description });

/** The authority's settings, each with what it means. Times are milliseconds inside and text such as `24h` outside. */
export const authoritySettings = defineSettings(
  {
    trustDomain: parsed(parseTrustDomain, (name) => name).meta({
      description: 'Trust domain that this authority speaks for.',
      example: 'prod.example',
    }),
    cluster: text().default('default').meta({ description: 'Name of this cluster in entry ids and audit events.' }),
    idTemplate: parsed(parseIdTemplate, (template) => template.text)
      .prefault(defaultIdTemplate)
      .meta({ description: 'Path of a workload’s SPIFFE ID.' }),
    x509Ttl: duration({ min: 10 * second, max: day })
      .default(day)
      .meta({ description: 'Longest life of an X.509-SVID; a pod may ask for less.' }),
    keyPeriod: duration({ min: 10 * second, max: 30 * day })
      .optional()
      .meta({ description: 'How often signing keys follow each other; absent: 1.25 `x509Ttl`, at least 3 h.' }),
    refreshHint: duration({ min: second, max: day })
      .default(5 * minute)
      .meta({ description: 'How often others are told to look for a newer bundle.' }),
    attestSourceAddress: oneOf(['auto', 'enforce', 'audit']).default('auto').meta({
      description:
        'Whether a request must come from the pod’s own address; `auto` enforces where that was seen to hold.',
    }),
    renewWithoutReviewMax: duration({ min: 0, max: day })
      .optional()
      .meta({ description: 'How long SVIDs are renewed while the API server is silent; absent: one `x509Ttl`.' }),
    podName: text().meta({ description: 'Own pod (downward API).', example: 'sallyport-authority-5f7d-abcde' }),
    podNamespace: text().default('sallyport-system').meta({ description: 'Own namespace (downward API).' }),
    podUid: text().meta({
      description: 'Own pod UID (downward API).',
      example: '9f2c0c1e-0000-4000-8000-000000000000',
    }),
    podIp: text().default('127.0.0.1').meta({ description: 'Own address (downward API): where streams’ POSTs go.' }),
    nodeName: text().default('unknown').meta({ description: 'Own node (downward API).' }),
    serviceAccount: text()
      .default('sallyport-authority')
      .meta({ description: 'Own service account; with the namespace it makes the own SPIFFE ID.' }),
    listenAddress: text().default('::').meta({ description: 'Address of both listeners.' }),
    port: integer({ min: 0, max: 65_535 }).default(8_443).meta({ description: 'Port of the API, TLS 1.3.' }),
    metricsPort: integer({ min: 0, max: 65_535 })
      .default(9_090)
      .meta({ description: 'Port of `/metrics`, `/started`, `/ready` and `/live`, plain HTTP.' }),
    limits: {
      attestationsPerSecond: perSecond(
        defaultLimitFigures.attestationsPerSecond,
        'Requests for SVIDs per second in the long run.',
      ),
      attestationsBurst: perSecond(defaultLimitFigures.attestationsBurst, 'Requests for SVIDs at once.'),
      namespacePerSecond: perSecond(
        defaultLimitFigures.namespacePerSecond,
        'SVIDs per second and namespace in the long run.',
      ),
      namespaceBurst: perSecond(defaultLimitFigures.namespaceBurst, 'SVIDs per namespace at once.'),
      podPerMinute: perSecond(
        defaultLimitFigures.podPerMinute,
        'SVIDs per minute and pod; four per SVID life where that is more.',
      ),
      reviewsAtOnce: perSecond(100, 'TokenReviews under way.'),
      queue: perSecond(1_000, 'Requests that may wait for one.'),
      streams: perSecond(5_000, 'Open streams.'),
    },
    drainTimeout: duration({ min: 0, max: minute })
      .default(10 * second)
      .meta({ description: 'What open requests get to end by themselves after SIGTERM.' }),
    serviceAccountDir: absolutePath()
      .default('/var/run/secrets/kubernetes.io/serviceaccount')
      .meta({ description: 'Folder of the projected token and CA for the API server.' }),
    kubernetesHost: text().meta({
      description: 'API server; by default KUBERNETES_SERVICE_HOST.',
      example: '10.96.0.1',
    }),
    kubernetesPort: integer({ min: 1, max: 65_535 })
      .default(443)
      .meta({ description: 'Its port; by default KUBERNETES_SERVICE_PORT.' }),
    auditDir: absolutePath().default('/var/lib/sallyport/audit').meta({ description: 'Folder of the audit log.' }),
    logLevel: oneOf(['debug', 'info', 'warn', 'error'])
      .default('info')
      .meta({ description: 'Least severe log line that is written.' }),
  },
  [
    {
      fields: ['keyPeriod', 'x509Ttl', 'refreshHint'],
      check({ keyPeriod, x509Ttl, refreshHint }) {
        const least = leastPeriodMs(x509Ttl, refreshHint);
        return keyPeriod === undefined || keyPeriod >= least
          ? undefined
          : `keyPeriod is at least 1.25 x509Ttl, three JWT lives and five refresh hints: ${least / second} s`;
      },
    },
  ],
);

/** Every setting, frozen. */
export type AuthoritySettings = SettingsOf<typeof authoritySettings>;

/** Reads the table; the API server's address comes from the variables Kubernetes gives every container, unless it is set. Throws `SettingsFailure`. */
export function readAuthoritySettings(environment: Environment): AuthoritySettings {
  return readSettings(authoritySettings, {
    ...environment,
    SALLYPORT_KUBERNETES_HOST: environment['SALLYPORT_KUBERNETES_HOST'] ?? environment['KUBERNETES_SERVICE_HOST'],
    SALLYPORT_KUBERNETES_PORT: environment['SALLYPORT_KUBERNETES_PORT'] ?? environment['KUBERNETES_SERVICE_PORT'],
  });
}
