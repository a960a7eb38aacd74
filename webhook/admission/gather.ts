import type { Facts, LiveOwner, NamespaceFacts } from '../policy/context.ts';
import { listAt, memberAt, textAt } from '../policy/json-access.ts';
import { kindKey, podPathOf } from '../policy/pod-template.ts';
import type { PolicySettings } from '../policy/settings.ts';
import { namespaceFacts } from './memory-cluster.ts';
import type { AdmissionPorts, LiveObjects, NamespaceLookup } from './ports.ts';
import type { AdmissionRequest, JsonObject } from './request.ts';

/** CronJob -> Job -> Pod is three; a chain longer than this is no chain of built-in controllers. */
const longestOwnerChain = 5;

/**
 * Asks the ports for what the rules of this request may look at, and yields it as plain data. Rejects with whatever a port rejects with: an answer that could
 * not be had is a failure of ours, never an empty one.
 */
export async function gatherFacts(
  request: AdmissionRequest,
  ports: AdmissionPorts,
  settings: PolicySettings,
  now: Date,
): Promise<Facts> {
  const { namespace } = request;
  const [found, ownerChain] = await Promise.all([
    namespaceOf(request, ports.namespaces),
    liveOwnersOf(request, ports.liveObjects),
  ]);
  return {
    now,
    settings,
    namespace: namespace === '' ? undefined : (found ?? { name: namespace, labels: {}, annotations: {}, known: false }),
    rbac: ports.rbac.current(),
    exemptions: ports.exemptions.all(),
    secretTypes: ports.secretTypes.inNamespace(namespace),
    referableNames: ports.referableNames.inNamespace(namespace),
    liveOwner: ownerChain[0],
    ownerChain,
  };
}

/** AR-30: a Namespace is judged by the labels it comes with, not by those it had. */
function namespaceOf(request: AdmissionRequest, namespaces: NamespaceLookup): Promise<NamespaceFacts | undefined> {
  const { namespace, kind, object } = request;
  if (kindKey(kind) === 'Namespace' && object !== null) {
    return Promise.resolve(namespaceFacts(object));
  }
  return namespace === '' ? Promise.resolve(undefined) : namespaces.find(namespace);
}

/** AR-27: owner references are the client's words; only an owner that lives, with that uid and as the controller, counts. Nearest first. */
async function liveOwnersOf(request: AdmissionRequest, objects: LiveObjects): Promise<readonly LiveOwner[]> {
  const chain: LiveOwner[] = [];
  let current = podPathOf(request.kind) === undefined ? undefined : (request.object ?? undefined);
  while (current !== undefined && chain.length < longestOwnerChain) {
    const owner = await liveOwnerOf(current, request.namespace, objects);
    if (owner !== undefined) {
      chain.push(owner);
    }
    current = owner?.object;
  }
  return chain;
}

async function liveOwnerOf(
  object: JsonObject,
  namespace: string,
  objects: LiveObjects,
): Promise<LiveOwner | undefined> {
  const reference = listAt(object, 'metadata', 'ownerReferences').find(
    (entry) => memberAt(entry, 'controller') === true,
  );
  const apiVersion = textAt(reference, 'apiVersion');
  const kind = textAt(reference, 'kind');
  const name = textAt(reference, 'name');
  const uid = textAt(reference, 'uid');
  if (apiVersion === undefined || kind === undefined || name === undefined || uid === undefined) {
    return undefined;
  }
  const live = await objects.find({ apiVersion, kind, namespace, name });
  return live !== undefined && textAt(live, 'metadata', 'uid') === uid
    ? { kind, apiVersion, name, uid, object: live }
    : undefined;
}
