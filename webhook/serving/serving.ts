import type { Clock } from '../../runtime/clock.ts';
import type { ClusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import { leaseService } from '../../runtime/cluster/lease.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { RandomBytes } from '../../runtime/random.ts';
import type { Service } from '../../runtime/service.ts';
import { ownLease } from './own-lease.ts';
import { type RegistrarObserver, registrar } from './registrar.ts';
import type { RegistrationSettings } from './registrations.ts';
import { type ServingCertificate, servingCertificate } from './serving-certificate.ts';

/** How long a silent leader stays it. */
const leaseMs = 15_000;

export interface ServingOptions {
  readonly api: ClusterApi;
  readonly settings: RegistrationSettings & { readonly podName: string; readonly podUid: string };
  readonly observer: RegistrarObserver & { leaseHeld(isHeld: boolean): void };
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
}

/** How the API server comes to trust and call this replica. */
export interface Serving {
  readonly certificate: ServingCertificate;
  readonly isLeader: () => boolean;
  /** The certificate, this replica's own Lease and the leader's: what the listener needs. */
  readonly services: readonly Service[];
  /** Ready when the API server trusts this replica; it need not listen yet. */
  readonly registrar: Service;
}

export function createServing(options: ServingOptions): Serving {
  const { settings, observer } = options;
  const { systemNamespace: namespace, service, podName, podUid } = settings;
  const dnsNames = [`${service}.${namespace}.svc`];
  const certificate = servingCertificate({ ...options, dnsNames, replica: podName });
  const { authorities, onAuthorities } = certificate;
  const lease = leaseService({ ...options, namespace, name: service, identity: podUid, durationMs: leaseMs });
  lease.onChange(observer.leaseHeld);
  return {
    certificate,
    isLeader: lease.held,
    services: [certificate, ownLease({ ...options, namespace, podName, podUid, authorities, onAuthorities }), lease],
    registrar: registrar({ ...options, isLeader: lease.held, ownAuthority: () => certificate.pair().caPem }),
  };
}
