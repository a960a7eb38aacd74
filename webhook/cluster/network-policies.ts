import { type Clock, sleep } from '../../runtime/clock.ts';
import type { ClusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import { serverSideApply } from '../../runtime/cluster/server-side-apply.ts';
import type { WatchCache } from '../../runtime/cluster/watch-cache.ts';
import { logKeys } from '../../runtime/log-keys.ts';
import type { Logger } from '../../runtime/logger.ts';
import { loopService } from '../../runtime/loop-service.ts';
import type { Service } from '../../runtime/service.ts';
import { listAt, textAt } from '../policy/json-access.ts';
import { fieldManager } from '../serving/own-lease.ts';
import {
  type HeldPolicy,
  type OpenPort,
  ownPolicyLabel,
  type PodPorts,
  planNetworkPolicies,
} from './network-policy-plan.ts';
import { isObject } from './objects.ts';

export const networkPoliciesPath = '/apis/networking.k8s.io/v1/networkpolicies';
export const podsPath = '/api/v1/pods';

/** Selects the policies we manage. */
export const ownPolicySelector = `${ownPolicyLabel.key}=${ownPolicyLabel.value}`;

/** A change settles before it is acted on, and everything is looked at again from time to time. */
const settleMs = 50;
const relookMs = 5_000;

export interface NetworkPoliciesOptions {
  readonly api: ClusterApi;
  readonly pods: Pick<WatchCache<PodPorts>, 'all' | 'onChange'>;
  readonly policies: Pick<WatchCache<HeldPolicy>, 'all' | 'onChange'>;
  readonly namespaces: Pick<WatchCache<unknown>, 'onChange'>;
  readonly isEnforced: (namespace: string) => boolean;
  readonly isLeader: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Keeps the NetworkPolicies of capture `explicit`, by the leader: what pods come and go for, and what somebody has changed. */
export function networkPolicies(options: NetworkPoliciesOptions): Service {
  const { api, pods, policies, namespaces, isEnforced, isLeader, clock, logger } = options;
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
export function parseHeldPolicy(object: unknown): HeldPolicy | undefined {
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
