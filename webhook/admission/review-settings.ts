import { createHash } from 'node:crypto';
import { type Environment, readSettings } from '../../runtime/settings/read-settings.ts';
import { productVersion } from '../../runtime/version.ts';
import { workloadId } from '../../spiffe/workload.ts';
import { authorAnnotationParsers } from '../injection/author-annotations.ts';
import type { InjectionSettings } from '../injection/settings.ts';
import type { Mode, PolicySettings } from '../policy/settings.ts';
import { allRules } from '../rules/all-rules.ts';
import { type WebhookSettings, webhookSettings } from '../settings.ts';

/** What the operator decided, as a judgement needs it. */
export interface ReviewSettings {
  readonly policy: PolicySettings;
  readonly injection: InjectionSettings;
  readonly rulesUrl: string;
  /** Digest of rules and settings in force: 16 hex digits, in audit events and annotations. */
  readonly revision: string;
}

/** The uid of the sidecar in every pod: an author's container may not run under it. */
const sidecarUid = 15_443;

const webhookAccount = 'sallyport-webhook';
const authorityAccount = 'sallyport-authority';

/** The settings of a judgement from those of the program. */
export function reviewSettingsOf(settings: WebhookSettings): ReviewSettings {
  const policy = policyOf(settings);
  const injection = injectionOf(settings);
  return { policy, injection, rulesUrl: 'https://sallyport.dev/rules', revision: revisionOf(policy, injection) };
}

/** What no cluster tells the command line, and no verdict depends on. */
const offline: Environment = {
  SALLYPORT_TRUST_DOMAIN: 'cluster.local',
  SALLYPORT_POD_NAME: 'none',
  SALLYPORT_POD_UID: 'none',
  SALLYPORT_KUBERNETES_HOST: 'none',
  SALLYPORT_INJECTION_IMAGE: `sallyport-sidecar@sha256:${'0'.repeat(64)}`,
};

/** The same without a cluster: defaults, and what `SALLYPORT_*` variables say. Throws `SettingsFailure` with every mistake in them. */
export function reviewSettings(environment: Environment): ReviewSettings {
  return reviewSettingsOf(readSettings(webhookSettings, { ...offline, ...environment }));
}

function policyOf(settings: WebhookSettings): PolicySettings {
  const ruleModes = Object.entries(settings.rules).flatMap(([id, { mode }]): [string, Mode][] =>
    mode === undefined ? [] : [[id, mode]],
  );
  return {
    trustDomain: settings.trustDomain,
    systemNamespace: settings.systemNamespace,
    clusterPolicy: settings.clusterPolicy,
    clusterNamespaces: [...new Set([...settings.clusterNamespaces, settings.systemNamespace])],
    ruleModes: Object.fromEntries(ruleModes),
    weakDefaults: settings.credentials.weakDefaults,
    exemptions: {
      maxLifetimeMs: settings.exemptions.maxLifetime,
      ticketPattern: settings.exemptions.ticketPattern,
      approverAccounts: settings.exemptions.approverAccounts,
    },
    breakGlassGroups: settings.breakGlassGroups ?? [],
    sidecarUid,
    authorAnnotations: authorAnnotationParsers(),
    release: {
      accounts: [webhookAccount, authorityAccount],
      clusterRoles: [webhookAccount, authorityAccount],
      webhookAccount,
    },
  };
}

function injectionOf({ trustDomain, systemNamespace, injection }: WebhookSettings): InjectionSettings {
  const authority = workloadId(trustDomain, systemNamespace, authorityAccount);
  return {
    trustDomain,
    image: injection.image,
    authorityAddress: injection.authorityAddress,
    authorityId: authority.ok ? authority.value.text : '',
    sidecarUid,
    version: productVersion,
  };
}

function revisionOf({ authorAnnotations, ...policy }: PolicySettings, injection: InjectionSettings): string {
  const rules = allRules.map(({ id, since }) => `${id} ${since}`);
  return createHash('sha256')
    .update(JSON.stringify([rules, policy, [...authorAnnotations.keys()], injection]))
    .digest('hex')
    .slice(0, 16);
}
