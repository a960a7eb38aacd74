import type { JsonObject } from '../admission/request.ts';
import { injectedKeys } from '../annotations.ts';

/** A port that the NetworkPolicy of capture `explicit` leaves open. */
export interface OpenPort {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
}

/** What the reconciler needs to know of an injected pod: which policy it needs. Pods of one namespace with one `label` share it. */
export interface PodPorts {
  readonly namespace: string;
  /** Value of the pod's label `sallyport.dev/ports`. */
  readonly label: string;
  readonly open: readonly OpenPort[];
}

/** A NetworkPolicy of ours as it stands in the cluster. */
export interface HeldPolicy {
  readonly namespace: string;
  readonly name: string;
  readonly ports: readonly OpenPort[];
}

export interface PolicyPlan {
  readonly apply: readonly JsonObject[];
  readonly remove: readonly HeldPolicy[];
}

/** Label by which we know our own policies. */
export const ownPolicyLabel = { key: 'app.kubernetes.io/managed-by', value: 'sallyport-webhook' } as const;

const namePrefix = 'sallyport-ports-';

/**
 * The policies that pods need, less those that are there: one per namespace and port set, only where the namespace is in mode `enforce`, for only there is plaintext
 * to be closed out. A policy goes with the last pod that needs it. It admits the listed ports from everywhere: who may call is the sidecar's to judge.
 */
export function planNetworkPolicies(
  pods: readonly PodPorts[],
  held: readonly HeldPolicy[],
  isEnforced: (namespace: string) => boolean,
): PolicyPlan {
  const wanted = new Map(
    pods
      .filter(({ namespace }) => isEnforced(namespace))
      .map((pod) => [keyOf(pod.namespace, policyName(pod.label)), pod]),
  );
  const standing = new Map(held.map((policy) => [keyOf(policy.namespace, policy.name), policy]));
  return {
    apply: [...wanted]
      .filter(([key, pod]) => !isSame(standing.get(key)?.ports, pod.open))
      .map(([, pod]) => networkPolicy(pod)),
    remove: [...standing].filter(([key]) => !wanted.has(key)).map(([, policy]) => policy),
  };
}

/** The policy of a port set. `label` is a short digest, so the name is one too. */
export function policyName(label: string): string {
  return `${namePrefix}${label}`;
}

function networkPolicy({ namespace, label, open }: PodPorts): JsonObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace, name: policyName(label), labels: { [ownPolicyLabel.key]: ownPolicyLabel.value } },
    spec: {
      podSelector: { matchLabels: { [injectedKeys.ports]: label } },
      policyTypes: ['Ingress'],
      ingress: [{ ports: open.map(({ protocol, port }) => ({ protocol, port })) }],
    },
  };
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

function isSame(left: readonly OpenPort[] | undefined, right: readonly OpenPort[]): boolean {
  return (
    left !== undefined &&
    left.length === right.length &&
    left.every(({ protocol, port }, index) => protocol === right[index]?.protocol && port === right[index].port)
  );
}
