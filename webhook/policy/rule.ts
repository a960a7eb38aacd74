import type { AdmissionRequest, JsonObject, Operation } from '../admission/request.ts';
import type { RuleContext } from './context.ts';
import type { Finding } from './finding.ts';

export type InvariantId = `INV-${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12}`;

/**
 * Where a rule's mode comes from when no setting says otherwise: `namespace`, the namespace's own; `cluster`, the setting `clusterPolicy`;
 * `guard`, always enforce.
 */
export type DefaultMode = 'namespace' | 'cluster' | 'guard';

/** Kinds as `Pod` (core group) or `Deployment.apps`, with a subresource as `Exemption.sallyport.dev/status`. */
export interface AppliesTo {
  readonly kinds: readonly string[];
  readonly operations: readonly Operation[];
}

interface RuleCommon {
  /** Kebab-case, final; also file name, metric label, audit key, exemption value and anchor in the documentation. */
  readonly id: string;
  /** What is forbidden, one line. */
  readonly title: string;
  /** The attack, in two sentences. */
  readonly why: string;
  /** What to do, in the imperative; `{name}` placeholders are filled by the finding's `fix`. */
  readonly remediation: string;
  readonly invariants: readonly InvariantId[];
  /** Specification clauses, KEPs, CIS items, CVEs. */
  readonly references: readonly string[];
  /** Control ids that the rule supports, by framework. */
  readonly controls: Readonly<Record<string, readonly string[]>>;
  /** Policy version that brought it. */
  readonly since: string;
  readonly defaultMode: DefaultMode;
  /** Whether an approved Exemption may lift it. */
  readonly exemptable: boolean;
}

/** The object of one request, judged as it is. */
export interface ObjectRule extends RuleCommon {
  readonly judges: 'object';
  readonly appliesTo: AppliesTo;
  check(request: AdmissionRequest, context: RuleContext): readonly Finding[];
}

/**
 * A pod, wherever it stands: `base` is the JSON pointer of the pod in the object (empty for a Pod, `/spec/template` for a Deployment, ...).
 * `oldPod` is the same place in the old object. `isTemplate` says that a controller will make the pod.
 */
export interface PodSubject {
  readonly pod: JsonObject;
  readonly oldPod: JsonObject | null;
  readonly base: string;
  readonly isTemplate: boolean;
  readonly request: AdmissionRequest;
}

/** A rule about pods: `policy/pod-template.ts` hands it the pod of every workload kind. */
export interface PodRule extends RuleCommon {
  readonly judges: 'pod';
  /** Operations beside the kinds of the pod-template table; `templates: false` limits it to Pods themselves. */
  readonly templates: boolean;
  readonly operations: readonly Operation[];
  check(subject: PodSubject, context: RuleContext): readonly Finding[];
}

/** What is forbidden, why, what to do instead, and the judgement: a pure function of plain data. It never logs, awaits, throws or decides. */
export type Rule = ObjectRule | PodRule;
