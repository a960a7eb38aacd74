import type { ExemptionScope } from '../../manifests/resources/exemption.ts';
import type { AdmissionRequest } from '../admission/request.ts';
import { whoDeployed } from '../deployer/who-deployed.ts';
import { digestOfObject } from './bound-digest.ts';
import type { Facts, LiveOwner } from './context.ts';
import { keyOf } from './exemption-key.ts';
import type { Finding } from './finding.ts';
import { addedSubjects, coversBinding, coversRules, roleRefOf } from './grant.ts';
import { textAt } from './json-access.ts';
import { contentRules, familyOf } from './rule-ids.ts';

/** The object that a scope entry names: the request's own, or the workload at the top of its owners. */
interface Named {
  readonly apiGroup: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** The digest of what it stands for: its own content, or that of the template a pod was made from. Undefined where no digest binds it. */
  readonly digest: () => string | undefined;
  /** Whether the request's object is certainly made from what the entry names. */
  readonly isCertain: () => boolean;
}

/**
 * Whether one entry of a scope covers a finding: it names the object exactly (or the workload that a controller made it for), and its keys, grant and digest,
 * where it has them, all fit. Rules about content need keys, rules about authorization a grant or a digest: an entry without covers nothing of theirs.
 */
export function coversFinding(
  entry: ExemptionScope,
  finding: Finding,
  request: AdmissionRequest,
  facts: Facts,
): boolean {
  const named = [ownName(request), topOwner(request, facts)].find(
    (candidate) => candidate !== undefined && isNamed(entry, candidate),
  );
  return (
    named !== undefined &&
    coversKey(entry, finding, request) &&
    coversGrant(entry, finding, request) &&
    (entry.digest === undefined ? named.isCertain() : entry.digest === named.digest())
  );
}

function isNamed(entry: ExemptionScope, named: Named): boolean {
  return (
    named.name !== '' &&
    entry.apiGroup === named.apiGroup &&
    entry.kind === named.kind &&
    (entry.namespace ?? '') === named.namespace &&
    entry.name === named.name
  );
}

function ownName(request: AdmissionRequest): Named {
  const { group, kind } = request.kind;
  const isNamespace = group === '' && kind === 'Namespace';
  return {
    apiGroup: group,
    kind,
    // The API server repeats a Namespace's own name here; it is cluster-scoped all the same.
    namespace: isNamespace ? '' : request.namespace,
    name: request.name === '' ? (textAt(request.object ?? undefined, 'metadata', 'name') ?? '') : request.name,
    digest: () => {
      const object = request.object ?? request.oldObject;
      return object === null ? undefined : digestOfObject(request.kind, object);
    },
    isCertain: () => true,
  };
}

/**
 * The workload at the top, if a built-in controller wrote this object for it. Owner references by anybody else are only words. Its digest is that of the nearest
 * owner, the very template that was used: the top may have moved on to another since.
 *
 * Who wrote the nearest owner nobody knows: its reference to the top may be anybody's. So without a digest it must hold the top's own template, else whoever made a
 * ReplicaSet or Job by hand could take over the exemption of any Deployment or CronJob. Pods of an older revision are not covered then.
 */
function topOwner(request: AdmissionRequest, facts: Facts): Named | undefined {
  const [nearest, top] = [facts.ownerChain[0], facts.ownerChain.at(-1)];
  if (nearest === undefined || top === undefined || whoDeployed(request, facts).kind !== 'judged-at-owner') {
    return undefined;
  }
  const digest = () => digestOfOwner(nearest);
  return {
    apiGroup: groupOf(top),
    kind: top.kind,
    namespace: request.namespace,
    name: top.name,
    digest,
    isCertain: () => nearest === top || (digest() !== undefined && digest() === digestOfOwner(top)),
  };
}

function digestOfOwner(owner: LiveOwner): string | undefined {
  return digestOfObject({ group: groupOf(owner), kind: owner.kind }, owner.object);
}

function groupOf({ apiVersion }: LiveOwner): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

function coversKey(entry: ExemptionScope, finding: Finding, request: AdmissionRequest): boolean {
  if (entry.keys === undefined) {
    return !contentRules.has(finding.rule);
  }
  const key = keyOf(finding, request.object ?? undefined);
  return key !== undefined && entry.keys.includes(key);
}

function coversGrant(entry: ExemptionScope, finding: Finding, request: AdmissionRequest): boolean {
  if (familyOf(finding.rule) !== 'authorization') {
    return entry.grant === undefined;
  }
  if (entry.grant === undefined) {
    return entry.digest !== undefined;
  }
  const object = request.object ?? undefined;
  const role = roleRefOf(object);
  return role === undefined
    ? finding.needs !== undefined && coversRules(entry.grant, finding.needs)
    : coversBinding(entry.grant, role, addedSubjects(request));
}
