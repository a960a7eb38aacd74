import { isObject, type Json, type JsonObject, objectAt, objectsAt, textAt, withAt, withDefaults } from '../json.ts';

/** A pod's spec, or that of a template, with the API's defaults (those of admission plugins excepted). */
export function defaultPodSpec(spec: JsonObject): JsonObject {
  const account =
    textAt(spec, 'serviceAccountName') === '' ? textAt(spec, 'serviceAccount') : textAt(spec, 'serviceAccountName');
  const complete = withDefaults(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    ...(account === '' ? {} : { serviceAccountName: account, serviceAccount: account }),
    securityContext: {},
    schedulerName: 'default-scheduler',
  });
  return withLists(complete, {
    containers: defaultContainer,
    initContainers: defaultContainer,
    ephemeralContainers: defaultContainer,
    volumes: defaultVolume,
  });
}

/** Defaults that pods have and templates have not. */
export function defaultPodOnly(pod: JsonObject): JsonObject {
  return withAt(pod, ['spec'], withDefaults(objectAt(pod, 'spec'), { enableServiceLinks: true }));
}

type Change = (item: JsonObject) => JsonObject;

function withLists(object: JsonObject, changes: Readonly<Record<string, Change>>): JsonObject {
  const lists = Object.entries(changes).filter(([member]) => Array.isArray(object[member]));
  const changed = lists.map(([member, change]): [string, Json] => [member, objectsAt(object, member).map(change)]);
  return { ...object, ...Object.fromEntries(changed) };
}

function defaultContainer(container: JsonObject): JsonObject {
  const complete = withDefaults(container, {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicy(textAt(container, 'image')),
  });
  const withProbes = probes.reduce(
    (all, name) => (isObject(all[name]) ? withAt(all, [name], defaultProbe(objectAt(all, name))) : all),
    complete,
  );
  return withLists(withProbes, {
    ports: (port) => withDefaults(port, { protocol: 'TCP' }),
    env: defaultVariable,
  });
}

const probes = ['livenessProbe', 'readinessProbe', 'startupProbe'];

function pullPolicy(image: string): string {
  const name = image.split('/').at(-1) ?? '';
  const isMoving = !name.includes('@') && (!name.includes(':') || name.endsWith(':latest'));
  return isMoving ? 'Always' : 'IfNotPresent';
}

function defaultProbe(probe: JsonObject): JsonObject {
  const complete = withDefaults(probe, {
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
  const { httpGet, grpc } = complete;
  if (isObject(httpGet)) {
    return { ...complete, httpGet: withDefaults(httpGet, { path: '/', scheme: 'HTTP' }) };
  }
  return isObject(grpc) ? { ...complete, grpc: withDefaults(grpc, { service: '' }) } : complete;
}

function defaultVariable(variable: JsonObject): JsonObject {
  const field = objectAt(variable, 'valueFrom', 'fieldRef');
  return Object.keys(field).length === 0
    ? variable
    : withAt(variable, ['valueFrom', 'fieldRef'], withDefaults(field, { apiVersion: 'v1' }));
}

function defaultVolume(volume: JsonObject): JsonObject {
  const kind = ['secret', 'configMap', 'downwardAPI', 'projected'].find((member) => isObject(volume[member]));
  if (kind === undefined) {
    return Object.keys(volume).length === 1 ? { ...volume, emptyDir: {} } : volume;
  }
  const source = withDefaults(objectAt(volume, kind), { defaultMode: 420 });
  const complete =
    kind === 'projected' ? withLists(source, { sources: defaultSource }) : withLists(source, { items: defaultItem });
  return { ...volume, [kind]: complete };
}

function defaultSource(source: JsonObject): JsonObject {
  if (isObject(source['serviceAccountToken'])) {
    return { ...source, serviceAccountToken: withDefaults(source['serviceAccountToken'], { expirationSeconds: 3600 }) };
  }
  return isObject(source['downwardAPI'])
    ? { ...source, downwardAPI: withLists(source['downwardAPI'], { items: defaultItem }) }
    : source;
}

function defaultItem(item: JsonObject): JsonObject {
  const field = objectAt(item, 'fieldRef');
  return Object.keys(field).length === 0 ? item : { ...item, fieldRef: withDefaults(field, { apiVersion: 'v1' }) };
}
