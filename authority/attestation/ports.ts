import type { Secret } from '../../runtime/secret.ts';

/*
 * What attestation asks of the cluster. The real adapters and the ones of tests lie in `authority/cluster/` and pass the same contract suites.
 */

/** What the API server says of a token. */
export interface TokenReviewAnswer {
  readonly authenticated: boolean;
  /** Its own words, for the log only. */
  readonly error?: string;
  readonly audiences: readonly string[];
  readonly username: string;
  /** UID of the account. */
  readonly uid?: string;
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export interface TokenReviewer {
  /** Judges a token for one audience. Rejects when there is no answer: whoever cannot ask has not been answered. */
  review(token: Secret, audience: string): Promise<TokenReviewAnswer>;
}

export interface ContainerPort {
  readonly name?: string;
  readonly port: number;
}

/** What the authority keeps of a pod. */
export interface AttestedPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  readonly node: string | undefined;
  readonly phase: string;
  readonly addresses: readonly string[];
  readonly isBeingDeleted: boolean;
  /** Carries the injector's marker. */
  readonly isInjected: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Target port -> TLS port, of capture `explicit`. */
  readonly inbound: ReadonlyMap<number, number>;
  readonly containerPorts: readonly ContainerPort[];
  /** `sha256:...` of the images that run. */
  readonly imageDigests: readonly string[];
}

export interface PodLookup {
  /** The injected pod of that name in the cache. */
  find(namespace: string, name: string): AttestedPod | undefined;
  /** The injected pod in the cache whose SVIDs have serials that begin with this prefix. */
  findBySerialPrefix(prefix: string): AttestedPod | undefined;
  /** Asks the API server. Undefined when there is none; rejects when there is no answer. */
  fetch(namespace: string, name: string): Promise<AttestedPod | undefined>;
}

export type NamespaceMode = 'enforce' | 'warn' | 'audit';

export interface NamespaceFacts {
  readonly name: string;
  readonly isOptedIn: boolean;
  readonly mode: NamespaceMode;
  readonly isBeingDeleted: boolean;
}

export interface NamespaceLookup {
  get(name: string): NamespaceFacts | undefined;
  optedIn(): readonly NamespaceFacts[];
}
