import { type Clock, sleep } from '../../runtime/clock.ts';
import type { ClusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import { serverSideApply } from '../../runtime/cluster/server-side-apply.ts';
import { type WatchCache, watchCache } from '../../runtime/cluster/watch-cache.ts';
import type { ObserveWatch } from '../../runtime/cluster/watch-metrics.ts';
import { logKeys } from '../../runtime/log-keys.ts';
import type { Logger } from '../../runtime/logger.ts';
import { loopService } from '../../runtime/loop-service.ts';
import type { RandomBytes } from '../../runtime/random.ts';
import type { Service } from '../../runtime/service.ts';
import type { NamespaceFacts } from '../policy/context.ts';
import { listAt, textAt } from '../policy/json-access.ts';
import { namespaceMode } from '../policy/modes.ts';
import { fieldManager } from '../serving/own-lease.ts';
import {
  type HeldPolicy,
  type OpenPort,
  ownPolicyLabel,
  type PodPorts,
  planNetworkPolicies,
} from './network-policy-plan.ts';
import { isObject } from './objects.ts';
import { parsePodPorts, podPortsSelector } from './pod-ports.ts';

const networkPoliciesPath = '/apis/networking.k8s.io/v1/networkpolicies';
const podsPath = '/api/v1/pods';

/** Selects the policies we manage. */
const ownPolicySelector = `${ownPolicyLabel.key}=${ownPolicyLabel.value}`;

/** A change settles before it is acted on, and everything is looked at again from time to time. */
const settleMs = 50;
const relookMs = 5_000;

export interface NetworkPolicyServicesOptions extends Reconciling {
  readonly random: RandomBytes;
  /** For metrics of the watches. */
  readonly observe: ObserveWatch;
}

/** The watches of injected pods and of our policies, and the reconciler after them, to be started in this order. */
export function networkPolicyServices(options: NetworkPolicyServicesOptions): readonly Service[] {
  const pods = watchCache({
    ...options,
    path: podsPath,
    labelSelector: podPortsSelector,
    parse: parsePodPorts,
    observer: options.observe(podsPath),
  });
  const policies = watchCache({
    ...options,
    path: networkPoliciesPath,
    labelSelector: ownPolicySelector,
    parse: parseHeldPolicy,
    observer: options.observe(networkPoliciesPath),
  });
  return [pods, policies, networkPolicies({ ...options, pods, policies })];
}

interface Reconciling {
  readonly api: ClusterApi;
  readonly namespaces: Pick<WatchCache<NamespaceFacts>, 'get' | 'onChange'>;
  readonly isLeader: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface NetworkPoliciesOptions extends Reconciling {
  readonly pods: Pick<WatchCache<PodPorts>, 'all' | 'onChange'>;
  readonly policies: Pick<WatchCache<HeldPolicy>, 'all' | 'onChange'>;
}

/** Keeps the NetworkPolicies of capture `explicit`, by the leader: what pods come and go for, and what somebody has changed. */
export function networkPolicies(options: NetworkPoliciesOptions): Service {
  const { api, pods, policies, namespaces, isLeader, clock, logger } = options;
  const isEnforced = (name: string): boolean => namespaceMode(namespaces.get('', name)) === 'enforce';
  return loopService('network policies', async ({ signal, ready }) => {
    let wake = new AbortController();
    const cancels = [pods, policies, namespaces].map((cache) => cache.onChange(() => wake.abort()));
    ready();
    while (!signal.aborted) {
      wake = new AbortController();
      if (isLeader()) {
        await reconcile().catch((error: unknown) =>
          logger.warn({ [logKeys.error]: error }, 'network policies not put right'),
        );
      }
      await sleep(clock, relookMs, AbortSignal.any([signal, wake.signal]));
      await sleep(clock, settleMs, signal);
    }
    cancels.forEach((cancel) => cancel());
  });

  async function reconcile(): Promise<void> {
    const plan = planNetworkPolicies(pods.all(), policies.all(), isEnforced);
    for (const policy of plan.apply) {
      const [namespace, name] = [
        textAt(policy, 'metadata', 'namespace') ?? '',
        textAt(policy, 'metadata', 'name') ?? '',
      ];
      await serverSideApply(api, policyPath(namespace, name), policy, fieldManager);
    }
    for (const { namespace, name } of plan.remove) {
      await api.remove(policyPath(namespace, name));
    }
  }
}

/** What the cache keeps of a NetworkPolicy of ours. */
function parseHeldPolicy(object: unknown): HeldPolicy | undefined {
  const namespace = isObject(object) ? textAt(object, 'metadata', 'namespace') : undefined;
  const name = isObject(object) ? textAt(object, 'metadata', 'name') : undefined;
  if (!isObject(object) || namespace === undefined || name === undefined) {
    return undefined;
  }
  return { namespace, name, ports: listAt(object, 'spec', 'ingress', 0, 'ports').flatMap(openPort) };
}

function openPort(entry: unknown): readonly OpenPort[] {
  const { protocol = 'TCP', port } = isObject(entry) ? entry : {};
  return typeof port === 'number' && (protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP')
    ? [{ protocol, port }]
    : [];
}

function policyPath(namespace: string, name: string): string {
  return `/apis/networking.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/networkpolicies/${encodeURIComponent(name)}`;
}
