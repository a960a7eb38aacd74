import type { Exemption } from '../../manifests/resources/exemption.ts';
import type { JsonObject } from '../admission/request.ts';
import type { RbacGraph } from '../ceiling/rbac-graph.ts';
import type { PolicySettings } from './settings.ts';

/** The namespace of the request. `known` false: nobody could say (CLI without that namespace in the state). */
export interface NamespaceFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly known: boolean;
}

/** A live object that a request's `ownerReferences` name. */
export interface LiveOwner {
  readonly kind: string;
  readonly apiVersion: string;
  readonly name: string;
  readonly uid: string;
  readonly object: JsonObject;
}

/**
 * Everything a judgement may look at besides the request: plain data, gathered before. A member that could not be had is `undefined`; a rule that needs it is
 * then undecided (`evaluator.ts`), never silently content.
 */
export interface Facts {
  readonly now: Date;
  readonly settings: PolicySettings;
  /** Undefined for cluster-scoped objects. */
  readonly namespace: NamespaceFacts | undefined;
  /** All RBAC objects known; `undefined` when unknown. */
  readonly rbac: RbacGraph | undefined;
  /** Every Exemption known, valid or not. */
  readonly exemptions: readonly Exemption[];
  /** Types of the Secrets of the request's namespace that are known, by name. */
  readonly secretTypes: ReadonlyMap<string, string>;
  /** Names of Secrets, ConfigMaps and ServiceAccounts of that namespace: such a word under a credential name is a reference. */
  readonly referableNames: ReadonlySet<string>;
  /** The controller owner of the request's object, if it names one and that one lives with that uid. */
  readonly liveOwner: LiveOwner | undefined;
  /** The chain of live controller owners above `liveOwner`, nearest first, it included. */
  readonly ownerChain: readonly LiveOwner[];
}

/** What a rule sees: the facts, and what the evaluator derived from them and the request. */
export interface RuleContext extends Facts {
  /** The pod as injection would make it from the one under judgement, or why injection leaves it alone. Undefined for anything but a Pod. */
  readonly expectedPod: ExpectedPod | undefined;
}

export type ExpectedPod =
  | { readonly kind: 'inject'; readonly pod: JsonObject }
  | { readonly kind: 'skip'; readonly reason: string; readonly detail: string };
