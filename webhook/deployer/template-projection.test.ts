import { describe, expect, it } from 'vitest';
import { minimalContainer, minimalPod, type Tweak, tweaked } from '../../test/builders/judgement.ts';
import type { JsonObject } from '../admission/request.ts';
import { serviceAccountOf, templateDigest } from './template-projection.ts';

const spec = (change: Tweak): JsonObject => tweaked(minimalPod, { spec: change });
const container = (change: Tweak): JsonObject => spec({ containers: [tweaked(minimalContainer, change)] });

const tokenSources: readonly JsonObject[] = [
  { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
  { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
  { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
];

describe('the template projection', () => {
  it.each<[string, JsonObject]>([
    ['the account', spec({ serviceAccountName: 'other' })],
    ['an image', container({ image: 'registry.example/web:2' })],
    ['a command', container({ command: ['sh'] })],
    ['arguments', container({ args: ['-c'] })],
    ['a variable', container({ env: [{ name: 'A', value: 'b' }] })],
    ['variables from elsewhere', container({ envFrom: [{ secretRef: { name: 'db' } }] })],
    ['a mount', container({ volumeMounts: [{ name: 'data', mountPath: '/data' }] })],
    ['privilege', container({ securityContext: { privileged: true } })],
    ['the working directory', container({ workingDir: '/data' })],
    ['a hook', container({ lifecycle: { preStop: { exec: { command: ['sh'] } } } })],
    ['a probe', container({ livenessProbe: { exec: { command: ['sh'] } } })],
    ['capabilities', container({ securityContext: { capabilities: { add: ['NET_ADMIN'] } } })],
    ['the user of a container', container({ securityContext: { runAsUser: 0 } })],
    ['the user of the pod', spec({ securityContext: { runAsUser: 0 } })],
    ['a volume', spec({ volumes: [{ name: 'data', hostPath: { path: '/' } }] })],
    ['the network of the node', spec({ hostNetwork: true })],
    ['the processes of the node', spec({ hostPID: true })],
    ['shared memory of the node', spec({ hostIPC: true })],
    ['shared processes', spec({ shareProcessNamespace: true })],
    ['a container more', spec({ containers: [minimalContainer, { name: 'b', image: 'b' }] })],
    ['an init container', spec({ initContainers: [{ name: 'b', image: 'b' }] })],
    ['an ephemeral container', spec({ ephemeralContainers: [{ name: 'b', image: 'b' }] })],
  ])('counts a change of %s', (_what, pod) => {
    expect(templateDigest(pod)).not.toBe(templateDigest(minimalPod));
  });

  it.each<[string, JsonObject]>([
    [
      'labels and annotations',
      tweaked(minimalPod, { metadata: { labels: { a: 'b' }, annotations: { restarted: 'now' } } }),
    ],
    ['resources', container({ resources: { limits: { cpu: '1' } } })],
    ['defaults of the API server', spec({ restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', schedulerName: 'x' })],
    ['tolerations', spec({ tolerations: [{ operator: 'Exists' }] })],
    ['the deprecated name of the account', spec({ serviceAccount: 'web' })],
    ['a negative spelled out', spec({ hostNetwork: false })],
    [
      'the token volume of the API server',
      spec({ volumes: [{ name: 'kube-api-access-x', projected: { sources: tokenSources } }] }),
    ],
  ])('does not count a change of %s', (_what, pod) => {
    expect(templateDigest(pod)).toBe(templateDigest(minimalPod));
  });

  it('counts a volume that only bears the name of the token volume', () => {
    const forged = spec({ volumes: [{ name: 'kube-api-access-x', hostPath: { path: '/' } }] });
    expect(templateDigest(forged)).not.toBe(templateDigest(minimalPod));
  });

  it.each<[string, JsonObject, string]>([
    ['serviceAccountName', { spec: { serviceAccountName: 'a', serviceAccount: 'b' } }, 'a'],
    ['the deprecated serviceAccount', { spec: { serviceAccount: 'b' } }, 'b'],
    ['the deprecated one beside an empty name', { spec: { serviceAccountName: '', serviceAccount: 'b' } }, 'b'],
    ['default', { spec: {} }, 'default'],
    ['default for what is no text', { spec: { serviceAccountName: 1 } }, 'default'],
  ])('AR-32 reads the account from %s', (_where, pod, name) => {
    expect(serviceAccountOf(pod)).toBe(name);
  });
});
