import type { Parsed } from '../../runtime/parsed.ts';

/** Strength of a mode: `off` < `audit` < `warn` < `enforce`. */
export type Mode = 'off' | 'audit' | 'warn' | 'enforce';

/** Says whether a pod author's annotation value is acceptable, and why not. The value it gives is of no interest here. */
export type AnnotationParser = (text: string) => Parsed<unknown>;

/** What the operator decided, as the pure core needs it. The composition root makes it from the program's settings; nothing here is read from anywhere. */
export interface PolicySettings {
  readonly trustDomain: string;
  /** Namespace of our own release. */
  readonly systemNamespace: string;
  /** Mode of cluster-scoped objects, and of the authorization rules in `clusterNamespaces`. */
  readonly clusterPolicy: Mode;
  /** Namespaces where a binding takes the cluster: exact names, or a prefix followed by one `*`. */
  readonly clusterNamespaces: readonly string[];
  /** The strongest mode of a rule, by rule id. Absent: no limit. Guards ignore it. */
  readonly ruleModes: Readonly<Record<string, Mode>>;
  /** What becomes of literals such as `changeme`, which work as passwords all the same. */
  readonly weakDefaults: 'enforce' | 'warn';
  readonly exemptions: ExemptionSettings;
  /** Groups of people who may act when everything else has failed. */
  readonly breakGlassGroups: readonly string[];
  /** The uid that the sidecar runs under, and nobody else. */
  readonly sidecarUid: number;
  /** Annotations below `sallyport.dev/` that the author of a pod may set, each with what it accepts. */
  readonly authorAnnotations: ReadonlyMap<string, AnnotationParser>;
  readonly release: ReleaseSettings;
}

export interface ExemptionSettings {
  /** How far ahead an exemption may expire. */
  readonly maxLifetimeMs: number;
  /** Source of a regular expression that the whole ticket id must match. */
  readonly ticketPattern: string;
  /** Usernames of service accounts that may approve in place of a person. */
  readonly approverAccounts: readonly string[];
}

/** What our own installation consists of, by exact name. */
export interface ReleaseSettings {
  /** Service accounts in `systemNamespace`. */
  readonly accounts: readonly string[];
  /** ClusterRoles that may be bound to them without an exemption. */
  readonly clusterRoles: readonly string[];
  /** The account, among `accounts`, that writes `status.use` and `status.conditions` of exemptions. */
  readonly webhookAccount: string;
}
