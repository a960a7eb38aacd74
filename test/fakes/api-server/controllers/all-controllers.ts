import { textAt } from '../json.ts';
import type { Registry } from '../resources.ts';
import type { Store } from '../storage.ts';
import { authenticatedUser, serviceAccountUser, type User } from '../user.ts';
import { aggregationController } from './aggregation.ts';
import type { Controller } from './controller.ts';
import { deploymentController } from './deployment.ts';
import { endpointSliceController } from './endpointslice.ts';
import { garbageCollector } from './garbage-collector.ts';
import { jobController } from './job.ts';
import { namespaceController } from './namespace.ts';
import { rootCaPublisher, serviceAccountController } from './namespace-content.ts';
import { replicaSetController } from './replicaset.ts';
import { scheduler } from './scheduler.ts';

/** Every control loop that runs inside. StatefulSets, DaemonSets, CronJobs and ReplicationControllers are stored and nothing more. */
export function allControllers(facts: {
  readonly registry: Registry;
  readonly caPem: string;
  readonly nodeName: string;
}): readonly Controller[] {
  return [
    serviceAccountController,
    rootCaPublisher(facts.caPem),
    aggregationController,
    deploymentController,
    replicaSetController,
    jobController,
    endpointSliceController,
    scheduler(facts.nodeName),
    garbageCollector(facts.registry),
    namespaceController,
  ];
}

/** The account a controller writes as: its own in kube-system, the scheduler's user. */
export function controllerUser(store: Store, name: string): User {
  if (name === 'kube-scheduler') {
    return authenticatedUser({ username: 'system:kube-scheduler' });
  }
  const account = store.get({ group: '', plural: 'serviceaccounts' }, 'kube-system', name);
  return serviceAccountUser({ namespace: 'kube-system', name, uid: textAt(account, 'metadata', 'uid') });
}
