import type { Exemption } from '../../manifests/resources/exemption.ts';
import type { RbacGraph } from '../ceiling/rbac-graph.ts';
import type { NamespaceFacts } from '../policy/context.ts';
import type { JsonObject } from './request.ts';

/*
 * What a judgement needs to know of the cluster, as one-purpose ports. The real ones (`webhook/cluster/`) read watch caches and ask the API server; the memory
 * ones (`memory-ports.ts`) answer from a set of objects: the CLI's `--state`, and tests.
 */

/** Labels of namespaces. A namespace that a cache lacks is read directly, as the API server does: never "no labels". */
export interface NamespaceLookup {
  /** Undefined: there is no such namespace. Rejects when nobody could say. */
  find(name: string): Promise<NamespaceFacts | undefined>;
}

/** All RBAC objects as a graph. */
export interface RbacView {
  /** Undefined while nobody knows them. */
  current(): RbacGraph | undefined;
}

/** Every Exemption, valid or not. */
export interface ExemptionList {
  all(): readonly Exemption[];
}

/** Types of Secrets, by name; never their contents. */
export interface SecretTypes {
  inNamespace(namespace: string): ReadonlyMap<string, string>;
  /** Takes note of a Secret seen at admission. */
  remember(namespace: string, name: string, type: string): void;
}

/** Names of Secrets, ConfigMaps and ServiceAccounts, which may stand as references where a credential would be suspected. */
export interface ReferableNames {
  inNamespace(namespace: string): ReadonlySet<string>;
}

/** Names one object of a namespace. */
export interface ObjectName {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Objects as they live in the cluster, for owner references. */
export interface LiveObjects {
  /** Undefined: it does not exist, or its kind is none we may read. Rejects when nobody could say. */
  find(name: ObjectName): Promise<JsonObject | undefined>;
}

export interface AdmissionPorts {
  readonly namespaces: NamespaceLookup;
  readonly rbac: RbacView;
  readonly exemptions: ExemptionList;
  readonly secretTypes: SecretTypes;
  readonly referableNames: ReferableNames;
  readonly liveObjects: LiveObjects;
}
