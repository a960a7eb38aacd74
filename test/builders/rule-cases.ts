import type { AdmissionRequest, JsonObject } from '../../webhook/admission/request.ts';
import type { RuleContext } from '../../webhook/policy/context.ts';
import type { Finding } from '../../webhook/policy/finding.ts';
import type { ObjectRule, PodRule } from '../../webhook/policy/rule.ts';

/*
 * The form of `webhook/rules/<id>.cases.ts`: what a rule lets pass, and what it finds with, for each, the change that mends it. One harness runs all tables
 * (`webhook/rules/rules.test.ts`) and `docs/rules.md` is printed from them.
 */

/** A finding as a case expects it, exactly. `fix` is the rule's remediation, filled in. */
export type ExpectedFinding = Pick<Finding, 'path' | 'subject' | 'found'> & Partial<Pick<Finding, 'cap' | 'detector'>>;

interface Case {
  /** Ends the sentence "passes ..." or "refuses ...". */
  readonly name: string;
  /** Facts that differ from a quiet namespace. */
  readonly facts?: Partial<RuleContext>;
}

export interface ObjectAllowCase extends Case {
  readonly request: AdmissionRequest;
}

export interface ObjectDenyCase extends ObjectAllowCase {
  readonly findings: readonly ExpectedFinding[];
  /** The same wish in a form that every rule accepts. */
  readonly fixed: AdmissionRequest;
}

export interface ObjectRuleCases {
  readonly rule: ObjectRule;
  readonly allow: readonly ObjectAllowCase[];
  readonly deny: readonly ObjectDenyCase[];
}

/**
 * About a pod: tried as a Pod and in every workload kind, unless `only` says otherwise. `rest`: what differs in the request (operation, requester, old object),
 * which makes it a case about that request alone.
 */
interface WholePodCase extends Case {
  readonly pod: JsonObject;
  readonly only?: 'pods' | 'templates';
  readonly rest?: Partial<AdmissionRequest>;
}

/** About a container called `web`: tried as an init, a regular and an ephemeral one, in every workload kind. */
interface ContainerCase extends Case {
  readonly container: JsonObject;
  /** The pod around it, where it matters. */
  readonly around?: JsonObject;
  readonly only?: 'pods' | 'templates';
}

export type PodAllowCase = WholePodCase | ContainerCase;

export type PodDenyCase =
  /** Paths of findings begin at the pod. */
  | (WholePodCase & { readonly findings: readonly ExpectedFinding[]; readonly fixed: JsonObject })
  /** Paths of findings begin at the container; `{container}` in a subject is how it is called. */
  | (ContainerCase & { readonly findings: readonly ExpectedFinding[]; readonly fixed: JsonObject });

export interface PodRuleCases {
  readonly rule: PodRule;
  readonly allow: readonly PodAllowCase[];
  readonly deny: readonly PodDenyCase[];
}

export type RuleCases = ObjectRuleCases | PodRuleCases;
