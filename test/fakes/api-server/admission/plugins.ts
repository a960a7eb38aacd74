import { type JsonObject, objectAt, objectsAt, textAt, valueAt, withAt, withDefaults } from '../json.ts';
import { nameSuffix } from '../metadata.ts';
import type { AdmissionCall, Services } from '../services.ts';
import { forbidden, notFound } from '../status.ts';

/*
 * The admission plugins of the real server that change what webhooks see: NamespaceLifecycle, ServiceAccount, DefaultTolerationSeconds, Priority.
 * They run before the webhooks, and again when a webhook changed the object, as there.
 */

type World = Pick<Services, 'store' | 'random'>;

/** A new object needs its namespace, and one that is not going away. */
export function checkNamespace({ store }: World, call: AdmissionCall): void {
  const { exchange, operation, name } = call;
  if (operation !== 'CREATE' || !exchange.resource.isNamespaced || exchange.subresource !== '') {
    return;
  }
  const namespaces = { group: '', plural: 'namespaces' };
  const namespace = store.get(namespaces, '', exchange.namespace);
  if (namespace === undefined) {
    throw notFound(namespaces, exchange.namespace);
  }
  if (textAt(namespace, 'metadata', 'deletionTimestamp') !== '') {
    throw forbidden(
      exchange.resource,
      name,
      `unable to create new content in namespace ${exchange.namespace} because it is being terminated`,
    );
  }
}

/** A new pod with its account, that account's token, its tolerations and priority; everything else unchanged. */
export function withPodPlugins(world: World, call: AdmissionCall, object: JsonObject): JsonObject {
  const isNewPod =
    call.exchange.resource.kind === 'Pod' && call.exchange.subresource === '' && call.operation === 'CREATE';
  if (!isNewPod) {
    return object;
  }
  const named = withAccount(object);
  const account = accountOf(world, call, named);
  const isMirror = textAt(object, 'metadata', 'annotations', 'kubernetes.io/config.mirror') !== '';
  const mounted = isMirror || !isAutomounted(named, account) ? named : withTokenMounted(world, named);
  return withTolerations(withPriority(mounted));
}

/** A namespace's `default` account comes a moment after the namespace: the first pod waits for it, as in the real server. */
export async function awaitDefaultAccount(
  world: World & Pick<Services, 'clock'>,
  call: AdmissionCall,
  object: JsonObject | null,
): Promise<void> {
  const { resource, namespace } = call.exchange;
  const account = textAt(object, 'spec', 'serviceAccountName');
  const accounts = { group: '', plural: 'serviceaccounts' };
  const isPresent = (): boolean => world.store.get(accounts, namespace, 'default') !== undefined;
  if (
    resource.kind !== 'Pod' ||
    call.operation !== 'CREATE' ||
    (account !== '' && account !== 'default') ||
    isPresent()
  ) {
    return;
  }
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      stopWatching();
      stopWaiting();
      resolve();
    };
    const stopWatching = world.store.subscribe(() => (isPresent() ? settle() : undefined));
    const stopWaiting = world.clock.after(defaultAccountWaitMs, settle, { unref: true });
  });
}

const defaultAccountWaitMs = 1_500;
const tokenDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';
const volumePrefix = 'kube-api-access-';

function withAccount(pod: JsonObject): JsonObject {
  const given = textAt(pod, 'spec', 'serviceAccountName');
  const name = given === '' ? 'default' : given;
  return withAt(withAt(pod, ['spec', 'serviceAccountName'], name), ['spec', 'serviceAccount'], name);
}

function accountOf({ store }: World, call: AdmissionCall, pod: JsonObject): JsonObject {
  const name = textAt(pod, 'spec', 'serviceAccountName');
  const account = store.get({ group: '', plural: 'serviceaccounts' }, call.exchange.namespace, name);
  if (account === undefined) {
    const why = `error looking up service account ${call.exchange.namespace}/${name}: serviceaccount "${name}" not found`;
    throw forbidden(call.exchange.resource, textAt(pod, 'metadata', 'name'), why);
  }
  return account;
}

/** The pod's word counts before the account's; the default is yes. */
function isAutomounted(pod: JsonObject, account: JsonObject): boolean {
  const own = valueAt(pod, 'spec', 'automountServiceAccountToken');
  return typeof own === 'boolean' ? own : account['automountServiceAccountToken'] !== false;
}

/** Every container without a mount of its own at the place gets the token, injected ones too. */
function withTokenMounted({ random }: World, pod: JsonObject): JsonObject {
  const spec = objectAt(pod, 'spec');
  const known = objectsAt(spec, 'volumes')
    .map((volume) => textAt(volume, 'name'))
    .find((name) => name.startsWith(volumePrefix));
  const name = known ?? `${volumePrefix}${nameSuffix(random)}`;
  const lists = ['initContainers', 'containers'].filter((list) => objectsAt(spec, list).length > 0);
  const isMissing = lists.some((list) => objectsAt(spec, list).some((container) => !hasMount(container)));
  if (!isMissing) {
    return pod;
  }
  const mounted = lists.map((list): [string, JsonObject[]] => [
    list,
    objectsAt(spec, list).map((container) => withMount(container, name)),
  ]);
  const volumes = known === undefined ? [...objectsAt(spec, 'volumes'), tokenVolume(name)] : objectsAt(spec, 'volumes');
  return { ...pod, spec: { ...spec, ...Object.fromEntries(mounted), volumes } };
}

function hasMount(container: JsonObject): boolean {
  return objectsAt(container, 'volumeMounts').some((mount) => textAt(mount, 'mountPath') === tokenDirectory);
}

function withMount(container: JsonObject, name: string): JsonObject {
  return hasMount(container)
    ? container
    : {
        ...container,
        volumeMounts: [...objectsAt(container, 'volumeMounts'), { name, readOnly: true, mountPath: tokenDirectory }],
      };
}

function tokenVolume(name: string): JsonObject {
  const fieldRef = { apiVersion: 'v1', fieldPath: 'metadata.namespace' };
  const sources = [
    { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    { downwardAPI: { items: [{ path: 'namespace', fieldRef }] } },
  ];
  return { name, projected: { sources, defaultMode: 420 } };
}

function withTolerations(pod: JsonObject): JsonObject {
  const present = objectsAt(pod, 'spec', 'tolerations');
  const missing = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']
    .filter((key) => !present.some((toleration) => textAt(toleration, 'key') === key))
    .map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }));
  return missing.length === 0 ? pod : withAt(pod, ['spec', 'tolerations'], [...present, ...missing]);
}

function withPriority(pod: JsonObject): JsonObject {
  return withAt(
    pod,
    ['spec'],
    withDefaults(objectAt(pod, 'spec'), { priority: 0, preemptionPolicy: 'PreemptLowerPriority' }),
  );
}
