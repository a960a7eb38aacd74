import fc from 'fast-check';
import type { Json, JsonObject } from '../../webhook/admission/request.ts';
import { listAt, objectAt } from '../../webhook/policy/json-access.ts';
import { injected, sidecarOf } from './injected.ts';
import { minimalPod, tweaked } from './judgement.ts';

/*
 * Pods of every shape that injection takes: parents absent, null and empty, keys of any letters, members that nobody knows, other meshes' containers, and copies
 * of injected pods, of older versions, moved about, completed by the API server or not.
 */

const name = fc.constantFrom('web', 'migrate', 'istio-init', 'linkerd-proxy', 'log-shipper', 'a', 'b');
const key = fc.oneof(
  fc.constantFrom('', 'a/b', '~', '~1', 'schlüssel', 'app.example/part-of'),
  fc.string({ maxLength: 6 }),
);
const unknown = fc.constantFrom<JsonObject>({}, { futureField: { 'a/b': [1, null] } }, { weight: 2 ** 60 });
const quantities = fc.constantFrom<Json>({}, { limits: { cpu: '1', memory: '1Gi' } }, { requests: { cpu: '100m' } });

const container = fc
  .record({
    name,
    image: fc.constantFrom('registry.example/web:1', 'registry.example/sallyport', ''),
    resources: quantities,
    env: fc.constantFrom<Json | undefined>(undefined, null, [], [{ name: 'A', value: '' }]),
    ports: fc.constantFrom<Json | undefined>(undefined, null, [
      { name: 'http', containerPort: 8080 },
      { containerPort: 53, protocol: 'UDP' },
    ]),
    extra: unknown,
  })
  .map(({ extra, ...rest }): JsonObject => tweaked({ ...extra }, rest));

const containers = fc.uniqueArray(container, { maxLength: 4, selector: (one) => one['name'] });
const textMap = fc.oneof(
  fc.constantFrom<Json | undefined>(undefined, null, {}),
  fc.dictionary(key, fc.string({ maxLength: 6 }), { maxKeys: 4, noNullPrototype: true }),
);
const wishes = fc.constantFrom<JsonObject>(
  {},
  { 'sallyport.dev/inbound': '8443=8080' },
  { 'sallyport.dev/inbound': '8443=8080,9443=9090', 'sallyport.dev/x509-ttl': '1h' },
  { 'sallyport.dev/outbound': '5432=db.prod.svc:5432', 'sallyport.dev/exclude-inbound-ports': '9090' },
);

const authored = fc
  .record({
    labels: textMap,
    annotations: textMap,
    wishes,
    initContainers: fc.oneof(fc.constantFrom<Json | undefined>(undefined, null), containers),
    containers,
    volumes: fc.constantFrom<Json | undefined>(undefined, null, [], [{ name: 'data', emptyDir: {} }]),
    extra: unknown,
  })
  .map(({ labels, annotations, wishes: wished, extra, ...lists }) => {
    const own = Object.keys(wished).length === 0 ? annotations : { ...objectAt(annotations), ...wished };
    return tweaked(minimalPod, { metadata: { labels, annotations: own }, spec: { ...extra, ...lists } });
  });

/** A pod that an injector made before, perhaps another version, and that others have changed since. */
const copied = fc
  .record({
    pod: authored,
    image: fc.constantFrom('registry.example/sallyport:0.0.1', undefined),
    position: fc.nat({ max: 4 }),
    hasToken: fc.boolean(),
    isPulledAlways: fc.boolean(),
    disk: fc.constantFrom(undefined, '1Gi'),
  })
  .map(({ pod, image, position, hasToken, isPulledAlways, disk }) => {
    const result = injected(pod);
    const mounts = listAt(sidecarOf(result), 'volumeMounts');
    const sidecar = tweaked(sidecarOf(result), {
      ...(image === undefined ? {} : { image }),
      ...(isPulledAlways ? { imagePullPolicy: 'Always' } : {}),
      ...(disk === undefined ? {} : { resources: { limits: { 'ephemeral-storage': disk } } }),
      ...(hasToken ? { volumeMounts: [...mounts, tokenMount] } : {}),
    });
    const others = listAt(result, 'spec', 'initContainers').filter(
      (one) => objectAt(one)?.['name'] !== 'sallyport-sidecar',
    );
    const volumes = [...listAt(result, 'spec', 'volumes'), ...(hasToken ? [tokenVolume] : [])];
    return tweaked(result, { spec: { initContainers: others.toSpliced(position, 0, sidecar), volumes } });
  });

export const arbitraryPod: fc.Arbitrary<JsonObject> = fc.oneof(
  { arbitrary: authored, weight: 2 },
  { arbitrary: copied, weight: 1 },
);

/** What the ServiceAccount plugin of the API server adds to a pod. */
export const tokenVolume: JsonObject = {
  name: 'kube-api-access-x2x7q',
  projected: {
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
    defaultMode: 420,
  },
};

/** And to each of its containers. */
export const tokenMount: JsonObject = {
  name: 'kube-api-access-x2x7q',
  readOnly: true,
  mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
};
