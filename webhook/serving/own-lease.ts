import { type Cancel, type Clock, sleep } from '../../runtime/clock.ts';
import type { ClusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import { serverSideApply } from '../../runtime/cluster/server-side-apply.ts';
import { logKeys } from '../../runtime/log-keys.ts';
import type { Logger } from '../../runtime/logger.ts';
import { loopService } from '../../runtime/loop-service.ts';
import type { Service } from '../../runtime/service.ts';

/** Under which a replica's own Lease carries the CAs it serves by, PEM. */
export const authoritiesAnnotation = 'sallyport.dev/serving-ca';

/** Label of such a Lease. */
export const replicaLabel = { key: 'sallyport.dev/replica-of', value: 'webhook' } as const;

export const fieldManager = 'sallyport-webhook';

const renewalMs = 10_000;
const leaseSeconds = 40;

export interface OwnLeaseOptions {
  readonly api: ClusterApi;
  readonly namespace: string;
  readonly podName: string;
  readonly podUid: string;
  readonly authorities: () => readonly string[];
  readonly onAuthorities: (listener: () => void) => Cancel;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Path of the Leases of a namespace. */
export function leasesPath(namespace: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
}

/**
 * This replica's own Lease: says that it lives and by which CAs it is to be trusted. Renewed every 10 s and at once when the CAs change; goes with the pod, which
 * owns it. Ready when first written.
 */
export function ownLease(options: OwnLeaseOptions): Service {
  const { api, namespace, podName, podUid, clock, logger } = options;
  const name = `sallyport-webhook-${podName}`;
  return loopService('own lease', async ({ signal, ready }) => {
    let wake = new AbortController();
    const cancel = options.onAuthorities(() => wake.abort());
    while (!signal.aborted) {
      wake = new AbortController();
      try {
        await serverSideApply(api, `${leasesPath(namespace)}/${name}`, leaseOf(), fieldManager);
        ready();
      } catch (error) {
        logger.warn({ [logKeys.error]: error }, 'own lease not written');
      }
      await sleep(clock, renewalMs, AbortSignal.any([signal, wake.signal]));
    }
    cancel();
  });

  function leaseOf(): object {
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        namespace,
        name,
        labels: { [replicaLabel.key]: replicaLabel.value },
        annotations: { [authoritiesAnnotation]: options.authorities().join('') },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: podName, uid: podUid }],
      },
      spec: {
        holderIdentity: podUid,
        leaseDurationSeconds: leaseSeconds,
        renewTime: clock.now().toISOString().replace('Z', '000Z'),
      },
    };
  }
}
