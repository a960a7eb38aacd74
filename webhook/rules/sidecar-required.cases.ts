import { injectionSettings } from '../../test/builders/injection.ts';
import { creates, minimalContainer, minimalPod, ruleContext, tweaked } from '../../test/builders/judgement.ts';
import type { PodDenyCase, PodRuleCases } from '../../test/builders/rule-cases.ts';
import type { JsonObject } from '../admission/request.ts';
import { expectedPod } from '../injection/expected-pod.ts';
import { isJsonObject, listAt } from '../policy/json-access.ts';
import { sidecarRequired } from './sidecar-required.ts';

/** The pod as injection makes it. */
function derived(pod: JsonObject) {
  const request = creates(pod);
  return expectedPod({ pod, request, namespace: ruleContext().namespace, exemption: undefined }, injectionSettings);
}

const expected = { expectedPod: derived(minimalPod) };
const injected = expected.expectedPod.kind === 'inject' ? expected.expectedPod.pod : minimalPod;
const [sidecar] = listAt(injected, 'spec', 'initContainers').filter(isJsonObject);
const init: JsonObject = { name: 'migrate', image: 'registry.example/migrate:1' };
const notMapped = 'a TCP port that the sidecar does not carry';

function refuses(name: string, pod: JsonObject, path: string, subject: string, found: string): PodDenyCase {
  return { name, pod, only: 'pods', facts: expected, findings: [{ path, subject, found }], fixed: injected };
}

function withSidecar(change: JsonObject): JsonObject {
  return tweaked(injected, { spec: { initContainers: [{ ...sidecar, ...change }] } });
}

const openPort = tweaked(minimalPod, {
  spec: { containers: [{ ...minimalContainer, ports: [{ containerPort: 8080 }] }] },
});
const mappedPort = tweaked(openPort, { metadata: { annotations: { 'sallyport.dev/inbound': '8443=8080' } } });
const both = (pod: JsonObject) => {
  const answer = derived(pod);
  return answer.kind === 'inject'
    ? { pod: answer.pod, facts: { expectedPod: answer } }
    : { pod, facts: { expectedPod: answer } };
};
const notOptedIn = { namespace: { name: 'payments', known: true, labels: {}, annotations: {} } };

export const sidecarRequiredCases: PodRuleCases = {
  rule: sidecarRequired,
  allow: [
    { name: 'the sidecar exactly as derived', pod: injected, only: 'pods', facts: expected },
    { name: 'a pod of a namespace that is not opted in', pod: minimalPod, only: 'pods' },
    { name: 'a declared port that is mapped', ...both(mappedPort), only: 'pods' },
    {
      name: 'a declared port that stays plaintext on purpose',
      ...both(tweaked(openPort, { metadata: { annotations: { 'sallyport.dev/exclude-inbound-ports': '8080' } } })),
      only: 'pods',
    },
    { name: 'a template whose ports are all mapped', pod: mappedPort, only: 'templates' },
    { name: 'a template of a namespace that is not opted in', pod: openPort, only: 'templates', facts: notOptedIn },
    {
      name: 'an old pod without a sidecar that changes',
      pod: minimalPod,
      only: 'pods',
      rest: { operation: 'UPDATE', oldObject: minimalPod },
      facts: expected,
    },
    {
      name: 'AR-25 a change of the application’s image',
      pod: tweaked(injected, { spec: { containers: [{ name: 'web', image: 'registry.example/web:2' }] } }),
      only: 'pods',
      rest: { operation: 'UPDATE', oldObject: injected },
      facts: expected,
    },
  ],
  deny: [
    {
      ...refuses(
        'a pod without any sidecar',
        minimalPod,
        '/spec/initContainers',
        'init container "sallyport-sidecar"',
        'missing',
      ),
      findings: [
        { path: '/spec/initContainers', subject: 'init container "sallyport-sidecar"', found: 'missing' },
        { path: '/spec/volumes', subject: 'volume "sallyport-identity"', found: 'missing' },
        {
          path: '/metadata/labels/sallyport.dev~1injected',
          subject: 'label sallyport.dev/injected',
          found: 'differs from what was derived',
        },
        {
          path: '/metadata/labels/sallyport.dev~1ports',
          subject: 'label sallyport.dev/ports',
          found: 'differs from what was derived',
        },
        {
          path: '/metadata/annotations/sallyport.dev~1injection',
          subject: 'annotation sallyport.dev/injection',
          found: 'differs from what was derived',
        },
      ],
    },
    refuses(
      'another image',
      withSidecar({ image: 'registry.example/mallory:1' }),
      '/spec/initContainers/0/image',
      'init container "sallyport-sidecar"',
      'field image differs from what was derived',
    ),
    refuses(
      'an environment variable more',
      withSidecar({ env: [...listAt(sidecar ?? {}, 'env'), { name: 'NODE_OPTIONS', value: '--inspect' }] }),
      '/spec/initContainers/0/env',
      'init container "sallyport-sidecar"',
      'field env differs from what was derived',
    ),
    refuses(
      'arguments of its own',
      withSidecar({ args: ['--version'] }),
      '/spec/initContainers/0/args',
      'init container "sallyport-sidecar"',
      'field args differs from what was derived',
    ),
    refuses(
      'no memory to run in',
      withSidecar({ resources: { limits: { cpu: '1m', memory: '1Mi' } } }),
      '/spec/initContainers/0/resources',
      'init container "sallyport-sidecar"',
      'field resources differs from what was derived',
    ),
    refuses(
      'a place behind another init container',
      tweaked(injected, { spec: { initContainers: [init, sidecar ?? {}] } }),
      '/spec/initContainers/1',
      'init container "sallyport-sidecar"',
      'was moved behind another container',
    ),
    refuses(
      'a forged mark',
      tweaked(injected, { metadata: { annotations: { 'sallyport.dev/injection': '{}' } } }),
      '/metadata/annotations/sallyport.dev~1injection',
      'annotation sallyport.dev/injection',
      'differs from what was derived',
    ),
    {
      ...refuses(
        'a declared TCP port that nobody maps',
        both(openPort).pod,
        '/spec/containers/0/ports/0',
        'container "web", port 8080',
        notMapped,
      ),
      facts: both(openPort).facts,
      // The mapping changes what is derived; not declaring the port does not.
      fixed: tweaked(both(openPort).pod, { spec: { containers: [minimalContainer] } }),
    },
    {
      name: 'a template whose pods will be refused for a port that nobody maps',
      pod: openPort,
      only: 'templates',
      findings: [
        { path: '/spec/containers/0/ports/0', subject: 'container "web", port 8080', found: notMapped, cap: 'warn' },
      ],
      fixed: mappedPort,
    },
    {
      name: 'a template whose pods will be refused for the host’s network',
      pod: tweaked(minimalPod, { spec: { hostNetwork: true } }),
      only: 'templates',
      findings: [
        {
          path: '/metadata',
          subject: 'pod',
          found: 'no sidecar can be injected (host-network): hostNetwork: true',
          cap: 'warn',
        },
      ],
      fixed: minimalPod,
    },
    {
      ...refuses(
        'a changed sidecar after the pod was created',
        withSidecar({ image: 'registry.example/mallory:1' }),
        '/spec/initContainers/0/image',
        'init container "sallyport-sidecar"',
        'field image differs from what was derived',
      ),
      rest: { operation: 'UPDATE', oldObject: injected },
    },
    {
      // Callers would be told that nothing answers by TLS for the port, and dial it without.
      ...refuses(
        'a port mapping that changes under a running sidecar',
        tweaked(both(mappedPort).pod, { metadata: { annotations: { 'sallyport.dev/inbound': '9443=9090' } } }),
        '/metadata/annotations/sallyport.dev~1inbound',
        'annotation sallyport.dev/inbound',
        'differs from what was derived',
      ),
      rest: { operation: 'UPDATE', oldObject: both(mappedPort).pod },
      fixed: both(mappedPort).pod,
    },
  ],
};
