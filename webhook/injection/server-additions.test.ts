import { describe, expect, it } from 'vitest';
import { tokenMount, tokenVolume } from '../../test/builders/arbitrary-pod.ts';
import { injected, injectionPatch, planSubject, sidecarOf } from '../../test/builders/injected.ts';
import { injectionSettings } from '../../test/builders/injection.ts';
import { minimalContainer, minimalPod, ruleContext, tweaked } from '../../test/builders/judgement.ts';
import type { Json, JsonObject } from '../admission/request.ts';
import { listAt } from '../policy/json-access.ts';
import { sidecarRequired } from '../rules/sidecar-required.ts';
import { expectedPod } from './expected-pod.ts';

/** As the pod reaches us: the API server has mounted the account's token in the author's containers. */
const received = tweaked(minimalPod, {
  spec: { containers: [{ ...minimalContainer, volumeMounts: [tokenMount] }], volumes: [tokenVolume] },
});

/** The pod once its plugins have run again over what we made of it. */
function completed(change: JsonObject, pod: JsonObject = injected(received)): JsonObject {
  return tweaked(pod, { spec: { initContainers: [tweaked(sidecarOf(pod), change)] } });
}

const mounts = (...more: readonly Json[]): JsonObject => ({
  volumeMounts: [...listAt(sidecarOf(injected(received)), 'volumeMounts'), ...more],
});

function findings(pod: JsonObject): readonly string[] {
  const subject = planSubject(pod);
  const context = ruleContext({ expectedPod: expectedPod(subject, injectionSettings) });
  return sidecarRequired
    .check({ pod, oldPod: null, base: '', isTemplate: false, request: subject.request }, context)
    .map(({ path }) => path);
}

const accepted: readonly (readonly [string, JsonObject])[] = [
  ['the account’s token (ServiceAccount)', mounts(tokenMount)],
  ['the pull at every start (AlwaysPullImages)', { imagePullPolicy: 'Always' }],
  [
    'a default limit of disk (LimitRanger)',
    { resources: { limits: { 'ephemeral-storage': '1Gi' }, requests: { 'ephemeral-storage': '10Mi' } } },
  ],
];

describe('what the API server adds to the sidecar', () => {
  it.each(accepted)('AR-33 keeps %s: nothing to patch, nothing to find', (_name, addition) => {
    const pod = completed(tweaked(sidecarOf(injected(received)), addition));
    expect(injectionPatch(pod)).toEqual([]);
    expect(findings(pod)).toEqual([]);
  });

  it.each<readonly [string, Json]>([
    ['at another place', { ...tokenMount, mountPath: '/var/run/secrets/elsewhere' }],
    ['writable', { name: 'kube-api-access-x2x7q', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
    ['in part', { ...tokenMount, subPath: 'token' }],
    ['from a volume that is not there', { ...tokenMount, name: 'kube-api-access-other' }],
    ['from a volume of another name', { ...tokenMount, name: 'data' }],
  ])('does not keep the token mounted %s', (_name, mount) => {
    const withData = tweaked(injected(received), {
      spec: { volumes: [...listAt(injected(received), 'spec', 'volumes'), { ...tokenVolume, name: 'data' }] },
    });
    const pod = completed(mounts(mount), withData);
    expect(listAt(sidecarOf(injected(pod)), 'volumeMounts')).toEqual(
      listAt(sidecarOf(injected(received)), 'volumeMounts'),
    );
    expect(findings(pod)).toEqual(['/spec/initContainers/0/volumeMounts']);
  });

  const sources = listAt(tokenVolume, 'projected', 'sources');
  it.each<readonly [string, JsonObject]>([
    ['of the host', { name: 'kube-api-access-x2x7q', hostPath: { path: '/etc' } }],
    ['with a Secret in the place of the token', projected([{ secret: { name: 'token' } }, ...sources.slice(1)])],
    ['with a source more', projected([...sources, { secret: { name: 'token' } }])],
    ['with a source twice and one missing', projected([...sources.slice(0, 2), ...sources.slice(0, 1)])],
    [
      'with a token for somebody else',
      projected([{ serviceAccountToken: { audience: 'vault', path: 'token' } }, ...sources.slice(1)]),
    ],
    [
      'with another ConfigMap',
      projected([...sources.slice(0, 1), { configMap: { name: 'mine' } }, ...sources.slice(2)]),
    ],
    [
      'with another field',
      projected([
        ...sources.slice(0, 2),
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.name' } }] } },
      ]),
    ],
  ])('does not take a volume %s for the API server’s own', (_name, volume) => {
    const own = tweaked(received, { spec: { volumes: [volume] } });
    expect(findings(completed(mounts(tokenMount), injected(own)))).toEqual(['/spec/initContainers/0/volumeMounts']);
  });

  it.each<readonly [string, JsonObject]>([
    ['never pulls', { imagePullPolicy: 'Never' }],
    ['has less memory', { resources: { limits: { memory: '1Mi' } } }],
    ['has another resource', { resources: { limits: { 'example.com/gpu': '1' } } }],
    ['has its token in the way', { volumeMounts: [tokenMount] }],
  ])('does not keep a sidecar that %s', (_name, change) => {
    const pod = completed(change);
    expect(sidecarOf(injected(pod))).not.toEqual(sidecarOf(pod));
    expect(findings(pod)).toHaveLength(1);
  });
});

function projected(sources: readonly Json[]): JsonObject {
  return { name: 'kube-api-access-x2x7q', projected: { sources, defaultMode: 420 } };
}
