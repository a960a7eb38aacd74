import { refused } from '../../runtime/parsed.ts';
import { minimalContainer, minimalPod, policySettings, tweaked } from '../../test/builders/judgement.ts';
import type { PodDenyCase, PodRuleCases } from '../../test/builders/rule-cases.ts';
import { reservedName } from './reserved-name.ts';

const sidecar = {
  name: 'sallyport-sidecar',
  image: 'registry.example/sallyport/sidecar@sha256:0000',
  ports: [{ name: 'sallyport-in', containerPort: 15_443 }],
  env: [{ name: 'SALLYPORT_TRUST_DOMAIN', value: 'prod.example' }],
  securityContext: { runAsUser: 15_443 },
};
const socket = { name: 'sallyport-workload-api', mountPath: '/run/sallyport', readOnly: true };
const injected = tweaked(minimalPod, {
  metadata: { labels: { 'sallyport.dev/injected': 'true' } },
  spec: {
    initContainers: [sidecar],
    containers: [tweaked(minimalContainer, { volumeMounts: [socket] })],
    volumes: [{ name: 'sallyport-workload-api', emptyDir: {} }],
  },
});
const expected = { expectedPod: { kind: 'inject', pod: injected } } as const;
const boundedSettings = {
  ...policySettings,
  authorAnnotations: new Map([['sallyport.dev/x509-ttl', () => refused({ code: 'too-long', message: 'too long' })]]),
};

function refuses(
  name: string,
  change: Readonly<Record<string, unknown>> & Parameters<typeof tweaked>[1],
  path: string,
  subject: string,
  found: string,
): PodDenyCase {
  return {
    name,
    container: tweaked(minimalContainer, change),
    findings: [{ path, subject: `{container}${subject}`, found }],
    fixed: minimalContainer,
  };
}

export const reservedNameCases: PodRuleCases = {
  rule: reservedName,
  allow: [
    { name: 'exactly what injection adds', pod: injected, facts: expected, only: 'pods' },
    {
      name: 'what injection adds with the defaults of the API server filled in',
      pod: tweaked(injected, {
        spec: { volumes: [{ name: 'sallyport-workload-api', emptyDir: { medium: 'Memory' } }] },
      }),
      facts: expected,
      only: 'pods',
    },
    {
      name: 'an annotation that its author may set',
      pod: tweaked(minimalPod, { metadata: { annotations: { 'sallyport.dev/inbound': '8443=8080' } } }),
    },
    {
      name: 'an identity label of its own, which means nothing on a pod',
      pod: tweaked(minimalPod, { metadata: { labels: { 'sallyport.dev/identity': 'enabled' } } }),
    },
    {
      name: 'what was there before the update',
      pod: tweaked(injected, { metadata: { labels: { team: 'web' } } }),
      only: 'pods',
      rest: { operation: 'UPDATE', oldObject: injected },
    },
    {
      name: 'a port beside ours',
      container: tweaked(minimalContainer, { ports: [{ name: 'http', containerPort: 15_439 }] }),
    },
    {
      name: 'a pod-wide uid that no author container inherits',
      pod: tweaked(minimalPod, {
        spec: {
          securityContext: { runAsUser: 15_443 },
          containers: [tweaked(minimalContainer, { securityContext: { runAsUser: 1000 } })],
        },
      }),
    },
  ],
  deny: [
    {
      name: 'a container of our name',
      pod: tweaked(minimalPod, {
        spec: { containers: [minimalContainer, { name: 'sallyport-sidecar', image: 'registry.example/mine:1' }] },
      }),
      findings: [
        { path: '/spec/containers/1/name', subject: 'container "sallyport-sidecar"', found: 'a reserved name' },
      ],
      fixed: minimalPod,
    },
    {
      name: 'a template copied from a running pod',
      pod: injected,
      only: 'templates',
      facts: expected,
      findings: [
        {
          path: '/metadata/labels/sallyport.dev~1injected',
          subject: 'label sallyport.dev/injected',
          found: 'a mark that only the injector makes',
        },
        { path: '/spec/volumes/0/name', subject: 'volume "sallyport-workload-api"', found: 'a reserved name' },
        {
          path: '/spec/initContainers/0/name',
          subject: 'init container "sallyport-sidecar"',
          found: 'a reserved name',
        },
        {
          path: '/spec/initContainers/0/ports/0/name',
          subject: 'init container "sallyport-sidecar", port "sallyport-in"',
          found: 'a reserved name',
        },
        {
          path: '/spec/initContainers/0/ports/0/containerPort',
          subject: 'init container "sallyport-sidecar", containerPort 15443',
          found: 'a reserved port',
        },
        {
          path: '/spec/initContainers/0/env/0/name',
          subject: 'init container "sallyport-sidecar", env SALLYPORT_TRUST_DOMAIN',
          found: 'a reserved name',
        },
        {
          path: '/spec/containers/0/volumeMounts/0/mountPath',
          subject: 'container "web", mount "/run/sallyport"',
          found: 'a reserved directory',
        },
        {
          path: '/spec/containers/0/volumeMounts/0/name',
          subject: 'container "web", mount "/run/sallyport"',
          found: 'a volume of the sidecar',
        },
        {
          path: '/spec/initContainers/0/securityContext/runAsUser',
          subject: 'init container "sallyport-sidecar"',
          found: 'the uid of the sidecar',
        },
      ],
      fixed: minimalPod,
    },
    {
      name: 'the mark of injection made by hand',
      pod: tweaked(minimalPod, { metadata: { annotations: { 'sallyport.dev/injection': '{}' } } }),
      findings: [
        {
          path: '/metadata/annotations/sallyport.dev~1injection',
          subject: 'annotation sallyport.dev/injection',
          found: 'a mark that only the injector makes',
        },
      ],
      fixed: minimalPod,
    },
    {
      name: 'an annotation of ours that nobody may set',
      pod: tweaked(minimalPod, { metadata: { annotations: { 'sallyport.dev/inject': 'false' } } }),
      findings: [
        {
          path: '/metadata/annotations/sallyport.dev~1inject',
          subject: 'annotation sallyport.dev/inject',
          found: 'a reserved key',
        },
      ],
      fixed: minimalPod,
    },
    {
      name: 'a settable annotation out of its bounds',
      pod: tweaked(minimalPod, { metadata: { annotations: { 'sallyport.dev/x509-ttl': '48h' } } }),
      facts: { settings: boundedSettings },
      findings: [
        {
          path: '/metadata/annotations/sallyport.dev~1x509-ttl',
          subject: 'annotation sallyport.dev/x509-ttl',
          found: 'a value out of bounds',
        },
      ],
      fixed: minimalPod,
    },
    {
      name: 'a volume of our name',
      pod: tweaked(minimalPod, { spec: { volumes: [{ name: 'sallyport-identity', emptyDir: {} }] } }),
      findings: [{ path: '/spec/volumes/0/name', subject: 'volume "sallyport-identity"', found: 'a reserved name' }],
      fixed: minimalPod,
    },
    {
      name: 'the uid of the sidecar for the whole pod',
      pod: tweaked(minimalPod, { spec: { securityContext: { runAsUser: 15_443 } } }),
      findings: [{ path: '/spec/securityContext/runAsUser', subject: 'the pod', found: 'the uid of the sidecar' }],
      fixed: minimalPod,
    },
    refuses(
      'the uid of the sidecar',
      { securityContext: { runAsUser: 15_443 } },
      '/securityContext/runAsUser',
      '',
      'the uid of the sidecar',
    ),
    refuses(
      'a port of the sidecar',
      { ports: [{ containerPort: 15_499 }] },
      '/ports/0/containerPort',
      ', containerPort 15499',
      'a reserved port',
    ),
    refuses(
      'a host port of the sidecar',
      { ports: [{ containerPort: 80, hostPort: 15_440 }] },
      '/ports/0/hostPort',
      ', hostPort 15440',
      'a reserved port',
    ),
    refuses(
      'a port name of ours',
      { ports: [{ name: 'sallyport-in', containerPort: 80 }] },
      '/ports/0/name',
      ', port "sallyport-in"',
      'a reserved name',
    ),
    refuses(
      'a setting of the sidecar',
      { env: [{ name: 'sallyport_capture', value: 'x' }] },
      '/env/0/name',
      ', env sallyport_capture',
      'a reserved name',
    ),
    refuses(
      'settings of the sidecar by a prefix',
      { envFrom: [{ prefix: 'SALLYPORT_', configMapRef: { name: 'x' } }] },
      '/envFrom/0/prefix',
      ', envFrom prefix SALLYPORT_',
      'a reserved name',
    ),
    refuses(
      'a mount over our sockets',
      { volumeMounts: [{ name: 'x', mountPath: '/var/run/sallyport/' }] },
      '/volumeMounts/0/mountPath',
      ', mount "/run/sallyport/"',
      'a reserved directory',
    ),
    refuses(
      'a mount of the volume with the sidecar’s token',
      { volumeMounts: [{ name: 'sallyport-identity', mountPath: '/stolen' }] },
      '/volumeMounts/0/name',
      ', mount "/stolen"',
      'a volume of the sidecar',
    ),
  ],
};
