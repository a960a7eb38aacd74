import type { AccessPolicy, AccessPolicyPeer, AccessPolicyRule } from '../../manifests/resources/access-policy.ts';
import { parseSpiffeId } from '../../spiffe/spiffe-id.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { AttestedPod, NamespaceMode } from '../attestation/ports.ts';
import type { CompiledAccess, CompiledPeer, CompiledRule } from '../client/messages.ts';
import type { IdTemplate } from '../entitlement/id-template.ts';

export interface AccessFacts {
  readonly pod: Pick<AttestedPod, 'namespace' | 'labels' | 'containerPorts'>;
  /** Policies of any namespace; only those of the pod's own count. */
  readonly policies: readonly AccessPolicy[];
  readonly mode: NamespaceMode;
  readonly trustDomain: TrustDomain;
  readonly template: IdTemplate;
}

/**
 * What the sidecar of one pod needs to judge its callers: the union of the policies that select it, in the order of their names. Names of ports are
 * resolved by the pod's own container ports; a rule all of whose names mean nothing here opens nothing. Nobody selects the pod: no rule, everything denied.
 */
export function compileAccess(facts: AccessFacts): CompiledAccess {
  const { pod, policies, mode } = facts;
  const selecting = policies
    .filter(({ metadata, spec }) => metadata.namespace === pod.namespace && selects(spec.pods, pod.labels))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return {
    mode,
    rules: selecting.flatMap((policy) => policy.spec.from.flatMap((rule) => compileRule(policy, rule, facts))),
  };
}

function selects(wanted: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

function compileRule(policy: AccessPolicy, rule: AccessPolicyRule, facts: AccessFacts): readonly CompiledRule[] {
  const ports = rule.ports === undefined ? null : portNumbers(rule.ports, facts.pod);
  if (ports?.length === 0) {
    return [];
  }
  const peers = (rule.peers ?? []).flatMap((peer) => compilePeer(peer, facts));
  const external = rule.external === true;
  // A rule whose every peer is unusable must not turn into one that admits nobody in particular.
  return peers.length === 0 && !external
    ? []
    : [{ policy: `${policy.metadata.namespace}/${policy.metadata.name}`, ports, peers, external }];
}

function portNumbers(ports: NonNullable<AccessPolicyRule['ports']>, { containerPorts }: AccessFacts['pod']): number[] {
  const numbers = ports.flatMap((port) =>
    typeof port === 'number' ? [port] : containerPorts.filter(({ name }) => name === port).map((named) => named.port),
  );
  return [...new Set(numbers)].toSorted((a, b) => a - b);
}

function compilePeer(peer: AccessPolicyPeer, { trustDomain, template }: AccessFacts): readonly CompiledPeer[] {
  if (peer.id !== undefined) {
    const id = parseSpiffeId(peer.id);
    return id.ok && id.value.path.length > 0 ? [{ trustDomain: id.value.trustDomain, path: [...id.value.path] }] : [];
  }
  if (peer.namespace !== undefined) {
    // Only our own template says what a namespace is; a foreign domain's is not known.
    const isOurs = peer.trustDomain === undefined || peer.trustDomain === trustDomain;
    return isOurs ? [{ trustDomain, path: pathOf(template, peer.namespace, peer.serviceAccount) }] : [];
  }
  return [{ trustDomain: peer.trustDomain ?? trustDomain, path: peer.path === undefined ? null : [...peer.path] }];
}

function pathOf({ segments }: IdTemplate, namespace: string, serviceAccount: string | undefined): string[] {
  return segments.map((segment) => {
    if ('literal' in segment) {
      return segment.literal;
    }
    return segment.field === 'namespace' ? namespace : (serviceAccount ?? '*');
  });
}
