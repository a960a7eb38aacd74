import { type Exemption, readExemption } from '../../manifests/resources/exemption.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { ClusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import { type WatchCache, watchCache } from '../../runtime/cluster/watch-cache.ts';
import type { ObserveWatch } from '../../runtime/cluster/watch-metrics.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { RandomBytes } from '../../runtime/random.ts';
import type { Service } from '../../runtime/service.ts';
import type { AdmissionPorts } from '../admission/ports.ts';
import type { JsonObject } from '../admission/request.ts';
import type { NamespaceFacts } from '../policy/context.ts';
import { clusterLiveObjects } from './cluster-live-objects.ts';
import { clusterNamespaces, namespacesPath, parseNamespace } from './cluster-namespaces.ts';
import { clusterRbac, parseRbacObject, type RbacKind, rbacPaths } from './cluster-rbac.ts';
import { clusterReferableNames, parseServiceAccount, serviceAccountsPath } from './cluster-referable-names.ts';
import { seenSecretTypes } from './seen-secret-types.ts';

export const exemptionsPath = '/apis/sallyport.dev/v1alpha1/exemptions';

/** The ports of a judgement over a real cluster, and the watch caches behind them, to be started before anybody asks. */
export interface ClusterPorts extends AdmissionPorts {
  readonly services: readonly Service[];
  readonly caches: {
    readonly namespaces: WatchCache<NamespaceFacts>;
    readonly exemptions: WatchCache<Exemption>;
    readonly rbac: Readonly<Record<RbacKind, WatchCache<JsonObject>>>;
  };
  isSynced(): boolean;
}

export interface ClusterPortsOptions {
  readonly api: ClusterApi;
  /** For metrics of the watches. */
  readonly observe?: ObserveWatch;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
}

/** Watches namespaces, service accounts, exemptions and the four RBAC kinds; owners are read one by one. */
export function clusterPorts(options: ClusterPortsOptions): ClusterPorts {
  const { api, clock } = options;
  const cache = <T>(path: string, parse: (object: unknown) => T | undefined): WatchCache<T> =>
    watchCache({ ...options, ...(options.observe && { observer: options.observe(path) }), path, parse });
  const namespaces = cache(namespacesPath, parseNamespace);
  const accounts = cache(serviceAccountsPath, parseServiceAccount);
  const exemptions = cache(exemptionsPath, readExemption);
  const rbac = {
    roles: cache(rbacPaths.roles, parseRbacObject),
    roleBindings: cache(rbacPaths.roleBindings, parseRbacObject),
    clusterRoles: cache(rbacPaths.clusterRoles, parseRbacObject),
    clusterRoleBindings: cache(rbacPaths.clusterRoleBindings, parseRbacObject),
  };
  const all = [namespaces, accounts, exemptions, ...Object.values(rbac)];
  const secretTypes = seenSecretTypes();
  return {
    services: all,
    caches: { namespaces, exemptions, rbac },
    isSynced: () => all.every((each) => each.synced()),
    namespaces: clusterNamespaces(api, namespaces),
    rbac: clusterRbac(rbac),
    exemptions,
    secretTypes,
    referableNames: clusterReferableNames(accounts, secretTypes),
    liveObjects: clusterLiveObjects(api, clock),
  };
}
