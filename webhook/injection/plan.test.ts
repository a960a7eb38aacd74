import { describe, expect, it } from 'vitest';
import { injected, planOf } from '../../test/builders/injected.ts';
import { injectionSettings } from '../../test/builders/injection.ts';
import { creates, minimalContainer, minimalPod, tweaked } from '../../test/builders/judgement.ts';
import type { JsonObject } from '../admission/request.ts';
import type { NamespaceFacts } from '../policy/context.ts';
import { textAt } from '../policy/json-access.ts';
import type { PlanSubject } from './plan.ts';

/** Which pods are injected and why others are not, then what each sidecar is told. */

function namespace(labels: Readonly<Record<string, string>>, rest: Partial<NamespaceFacts> = {}): NamespaceFacts {
  return { name: 'payments', labels, annotations: {}, known: true, ...rest };
}

const optedIn = namespace({ 'sallyport.dev/identity': 'enabled' });
const annotated = (annotations: JsonObject) => tweaked(minimalPod, { metadata: { annotations } });
const ported = (ports: readonly JsonObject[], annotations: JsonObject) =>
  tweaked(annotated(annotations), { spec: { containers: [{ ...minimalContainer, ports }] } });

const mirror = tweaked(minimalPod, {
  metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } },
  spec: { nodeName: 'node-1' },
});
const byKubelet = { requester: { username: 'system:node:node-1', uid: '', groups: ['system:nodes'], extra: {} } };
const guest = { name: 'sallyport-guest', image: 'registry.example/guest' };

describe('which pods are injected', () => {
  it.each<readonly [string, JsonObject, Partial<PlanSubject>]>([
    ['an ordinary pod', minimalPod, {}],
    ['a pod of a Job', tweaked(minimalPod, { spec: { restartPolicy: 'Never' } }), {}],
    ['a pod without the account’s token', tweaked(minimalPod, { spec: { automountServiceAccountToken: false } }), {}],
    [
      'a pod that would opt itself out',
      tweaked(minimalPod, { metadata: { labels: { 'sallyport.dev/identity': 'disabled' } } }),
      {},
    ],
    [
      'a pod of a namespace nobody knows, which is held to be opted in',
      minimalPod,
      { namespace: namespace({}, { known: false }) },
    ],
    ['a pod that says it is a mirror, by anybody', mirror, {}],
    ['a pod already injected', injected(minimalPod), {}],
    [
      'a pod of an older version',
      injected(minimalPod, { ...injectionSettings, image: 'registry.example/sallyport:0.0.1' }),
      {},
    ],
    ['a pod with its own Linux named', tweaked(minimalPod, { spec: { os: { name: 'linux' } } }), {}],
    [
      'a pod whose names only resemble ours',
      tweaked(minimalPod, { spec: { containers: [{ name: 'my-sallyport-x', image: 'x' }] } }),
      {},
    ],
    [
      'a pod of a namespace that asks for what there is',
      minimalPod,
      {
        namespace: namespace({
          ...optedIn.labels,
          'sallyport.dev/capture': 'explicit',
          'sallyport.dev/data-plane': 'own',
        }),
      },
    ],
  ])('%s is', (_name, pod, rest) => {
    expect(planOf(pod, rest).kind).toBe('inject');
  });

  it.each<readonly [string, string, JsonObject, Partial<PlanSubject>]>([
    ['not-opted-in', 'a pod of a namespace without the label', minimalPod, { namespace: namespace({}) }],
    [
      'not-opted-in',
      'a pod of a namespace that says disabled',
      minimalPod,
      { namespace: namespace({ 'sallyport.dev/identity': 'disabled' }) },
    ],
    ['not-opted-in', 'a pod of no namespace', minimalPod, { namespace: undefined }],
    ['mirror', 'a kubelet’s record of its static pod', mirror, { request: creates(mirror, byKubelet) }],
    ['host-network', 'a pod of the host’s network', tweaked(minimalPod, { spec: { hostNetwork: true } }), {}],
    ['windows', 'a pod of Windows', tweaked(minimalPod, { spec: { os: { name: 'windows' } } }), {}],
    [
      'windows',
      'a pod for Windows nodes',
      tweaked(minimalPod, { spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } } }),
      {},
    ],
    ['exempt', 'a pod with an exemption', minimalPod, { exemption: 'legacy-batch' }],
    [
      'exempt',
      'a pod with an exemption where it could not be had anyway',
      minimalPod,
      { exemption: 'legacy-batch', namespace: namespace({ ...optedIn.labels, 'sallyport.dev/capture': 'redirect' }) },
    ],
    ['name-taken', 'an init container of our name', tweaked(minimalPod, { spec: { initContainers: [guest] } }), {}],
    ['name-taken', 'a container of our name', tweaked(minimalPod, { spec: { containers: [guest] } }), {}],
    [
      'name-taken',
      'an ephemeral container of our name',
      tweaked(minimalPod, { spec: { ephemeralContainers: [guest] } }),
      {},
    ],
    [
      'name-taken',
      'our sidecar among the regular containers',
      tweaked(minimalPod, { spec: { containers: [{ name: 'sallyport-sidecar', image: injectionSettings.image }] } }),
      {},
    ],
    [
      'name-taken',
      'a volume of our name',
      tweaked(minimalPod, { spec: { volumes: [{ name: 'sallyport-identity', emptyDir: {} }] } }),
      {},
    ],
    ['name-taken', 'a port of our name', ported([{ name: 'sallyport-in', containerPort: 1 }], {}), {}],
    ['invalid-annotation', 'a mapping that is none', annotated({ 'sallyport.dev/inbound': '8080' }), {}],
    [
      'invalid-annotation',
      'a mapping to a port name that nobody declares',
      annotated({ 'sallyport.dev/inbound': '8443=grpc' }),
      {},
    ],
    [
      'invalid-annotation',
      'a mapping to a port of UDP',
      ported([{ name: 'dns', containerPort: 53, protocol: 'UDP' }], { 'sallyport.dev/inbound': '8443=dns' }),
      {},
    ],
    ['invalid-annotation', 'a mapping to a reserved port', annotated({ 'sallyport.dev/inbound': '15443=8080' }), {}],
    ['invalid-annotation', 'a destination that is none', annotated({ 'sallyport.dev/outbound': '5432=db' }), {}],
    [
      'invalid-annotation',
      'excluded ports that are none',
      annotated({ 'sallyport.dev/exclude-inbound-ports': 'http' }),
      {},
    ],
    ['invalid-annotation', 'a lifetime beyond its bounds', annotated({ 'sallyport.dev/x509-ttl': '25h' }), {}],
    [
      'invalid-annotation',
      'a namespace’s lifetime beyond its bounds',
      minimalPod,
      { namespace: { ...optedIn, annotations: { 'sallyport.dev/x509-ttl': '1s' } } },
    ],
  ])('%s: %s is not', (reason, _name, pod, rest) => {
    expect(planOf(pod, rest)).toMatchObject({ kind: 'skip', reason });
  });

  it.each([
    ['sallyport.dev/capture', 'redirect', 'explicit'],
    ['sallyport.dev/data-plane', 'mesh', 'own'],
  ])('names the label %s when it asks for %s', (label, value, only) => {
    const plan = planOf(minimalPod, { namespace: namespace({ ...optedIn.labels, [label]: value }) });
    expect(plan).toMatchObject({ kind: 'skip', reason: 'capture-unavailable' });
    expect(plan).toHaveProperty('detail', expect.stringContaining(`label ${label} of the namespace`));
    expect(plan).toHaveProperty('detail', expect.stringContaining(`only ${only} exists`));
  });

  it('names the annotation that it cannot take, and whose it is', () => {
    const own = planOf(annotated({ 'sallyport.dev/x509-ttl': '1s' }));
    const shared = planOf(minimalPod, { namespace: { ...optedIn, annotations: { 'sallyport.dev/x509-ttl': '1s' } } });
    expect(own).toHaveProperty('detail', 'annotation sallyport.dev/x509-ttl');
    expect(shared).toHaveProperty('detail', 'annotation sallyport.dev/x509-ttl of the namespace');
  });
});

describe('what a sidecar is told', () => {
  const told = (pod: JsonObject, rest: Partial<PlanSubject> = {}) => {
    const plan = planOf(pod, rest);
    return plan.kind === 'inject' ? plan.sidecar : plan;
  };
  const shared = {
    namespace: { ...optedIn, annotations: { 'sallyport.dev/x509-ttl': '2h', 'sallyport.dev/unknown': 'x' } },
  };

  it('takes the pod’s annotation before its namespace’s, and neither for the default', () => {
    expect(told(annotated({ 'sallyport.dev/x509-ttl': '1h' }), shared)).toMatchObject({ perPod: { x509Ttl: '1h' } });
    expect(told(minimalPod, shared)).toMatchObject({ perPod: { x509Ttl: '2h' } });
    expect(told(minimalPod)).toMatchObject({ perPod: {} });
  });

  it('takes no setting from a pod that is the operator’s', () => {
    const asked = annotated({
      'sallyport.dev/trust-domain': 'evil.example',
      'sallyport.dev/authority-id': 'spiffe://evil.example/x',
    });
    expect(told(asked)).toMatchObject({ perPod: {} });
  });

  it.each(['10s', '24h', '90m'])('takes a lifetime of %s', (text) => {
    expect(told(annotated({ 'sallyport.dev/x509-ttl': text }))).toMatchObject({ perPod: { x509Ttl: text } });
  });

  it('puts the numbers of named ports in the place of their names', () => {
    const ports = [
      { name: 'http', containerPort: 8080 },
      { name: 'grpc', containerPort: 9090, protocol: 'TCP' },
    ];
    expect(told(ported(ports, { 'sallyport.dev/inbound': '8443=http,9443=grpc,10443=7000' }))).toMatchObject({
      inbound: [
        { listen: 8443, target: 8080 },
        { listen: 9443, target: 9090 },
        { listen: 10443, target: 7000 },
      ],
    });
  });

  it('labels pods with the same open ports alike, and others otherwise', () => {
    const label = (annotations: JsonObject, ports: readonly JsonObject[] = []) => {
      const pod = ported(ports, annotations);
      return textAt(injected(pod), 'metadata', 'labels', 'sallyport.dev/ports');
    };
    const mapped = label({ 'sallyport.dev/inbound': '8443=8080,9443=9090' });
    expect(mapped).toMatch(/^[0-9a-f]{16}$/);
    expect(label({ 'sallyport.dev/inbound': '9443=1,8443=2' })).toBe(mapped);
    expect(label({ 'sallyport.dev/inbound': '8443=8080' })).not.toBe(mapped);
    expect(label({}, [{ containerPort: 53, protocol: 'UDP' }])).not.toBe(label({}));
    expect(label({}, [{ containerPort: 53, protocol: 'UDP' }])).not.toBe(
      label({}, [{ containerPort: 53, protocol: 'SCTP' }]),
    );
    expect(label({ 'sallyport.dev/exclude-inbound-ports': '9090' })).not.toBe(label({}));
    expect(label({}, [{ containerPort: 8080 }])).toBe(label({}));
  });
});
