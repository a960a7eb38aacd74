import fc from 'fast-check';
import jsonPatch from 'fast-json-patch';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../runtime/settings/read-settings.ts';
import { type SidecarSettings, sidecarSettings } from '../../sidecar/settings.ts';
import { arbitraryPod } from '../../test/builders/arbitrary-pod.ts';
import { injected, injectionPatch, planSubject, sidecarOf } from '../../test/builders/injected.ts';
import { injectionSettings } from '../../test/builders/injection.ts';
import { minimalContainer, minimalPod, tweaked } from '../../test/builders/judgement.ts';
import type { Json, JsonObject } from '../admission/request.ts';
import { entriesAt, isJsonObject, listAt, memberAt, textAt } from '../policy/json-access.ts';
import { templateName } from './apply.ts';
import { expectedPod } from './expected-pod.ts';
import { authorPorts } from './port-list.ts';
import { repositoryOf, strip } from './strip.ts';

const names = (pod: JsonObject): readonly string[] =>
  listAt(pod, 'spec', 'initContainers').map((container) => textAt(container, 'name') ?? '');
const init = (name: string): JsonObject => ({ name, image: `registry.example/${name}:1` });

describe('injection', () => {
  it('AR-33 has nothing to add to what it made, whatever the pod', () => {
    fc.assert(
      fc.property(arbitraryPod, (pod) => {
        expect(injectionPatch(injected(pod))).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('AR-12 gives the same by its patch as by itself, whatever the pod', () => {
    fc.assert(
      fc.property(arbitraryPod, (pod) => {
        const patched = jsonPatch.applyPatch(structuredClone(pod), structuredClone([...injectionPatch(pod)]), true);
        expect(patched.newDocument).toEqual(injected(pod));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is a function of its pod: members in another order make no difference', () => {
    fc.assert(
      fc.property(arbitraryPod, (pod) => {
        expect(JSON.stringify(injected(pod))).toBe(JSON.stringify(injected(structuredClone(pod))));
        expect(injected(reversed(pod))).toEqual(injected(pod));
      }),
    );
  });

  it('changes nothing of the author, in no list and no member', () => {
    fc.assert(
      fc.property(arbitraryPod, (pod) => {
        const [author, result] = [strip(pod, injectionSettings), strip(injected(pod), injectionSettings)];
        for (const list of ['initContainers', 'containers', 'ephemeralContainers', 'volumes']) {
          expect(listAt(result, 'spec', list)).toEqual(listAt(author, 'spec', list));
        }
        for (const member of ['labels', 'annotations']) {
          expect(entriesAt(result, 'metadata', member)).toEqual(entriesAt(author, 'metadata', member));
        }
        const ours = {
          metadata: { labels: undefined, annotations: undefined },
          spec: { initContainers: undefined, volumes: undefined },
        };
        expect(tweaked(result, ours)).toEqual(tweaked(author, ours));
      }),
    );
  });

  it('writes no member that the API server would store as none', () => {
    const { spec } = injected(minimalPod);
    expect(emptyTexts({ spec: spec ?? null })).toEqual([]);
  });

  it('stands before the author’s init containers and behind those of another mesh, wherever they are', () => {
    const order = (...given: readonly string[]) =>
      names(injected(tweaked(minimalPod, { spec: { initContainers: given.map(init) } })));
    expect(order()).toEqual(['sallyport-sidecar']);
    expect(order('migrate')).toEqual(['sallyport-sidecar', 'migrate']);
    expect(order('istio-init', 'migrate')).toEqual(['istio-init', 'sallyport-sidecar', 'migrate']);
    expect(order('linkerd-init', 'istio-proxy')).toEqual(['linkerd-init', 'istio-proxy', 'sallyport-sidecar']);
    expect(order('migrate', 'istio-init')).toEqual(['sallyport-sidecar', 'migrate', 'istio-init']);
  });

  it('names the template in the annotation: another image or trust domain is another template, another pod is not', () => {
    const other = { ...injectionSettings, image: `registry.example/sallyport@sha256:${'1'.repeat(64)}` };
    const marks = [minimalPod, tweaked(minimalPod, { spec: { initContainers: [init('migrate')] } })].map((pod) =>
      textAt(injected(pod), 'metadata', 'annotations', 'sallyport.dev/injection'),
    );
    expect(new Set(marks).size).toBe(1);
    expect(JSON.parse(marks[0] ?? '')).toEqual({
      version: '0.1.0',
      capture: 'explicit',
      image: injectionSettings.image,
      template: templateName(injectionSettings),
    });
    expect(templateName(other)).not.toBe(templateName(injectionSettings));
    expect(templateName({ ...injectionSettings, trustDomain: 'test.example' })).not.toBe(
      templateName(injectionSettings),
    );
    expect(templateName({ ...injectionSettings, version: '0.2.0' })).toBe(templateName(injectionSettings));
  });

  it('derives a copied pod of an older version afresh', () => {
    const older = {
      ...injectionSettings,
      image: `registry.example/sallyport@sha256:${'9'.repeat(64)}`,
      version: '0.0.9',
    };
    expect(injected(injected(minimalPod, older))).toEqual(injected(minimalPod));
  });

  it('takes nothing away that is not its own: a pod without our image keeps what it has under our names', () => {
    const foreign = tweaked(minimalPod, {
      metadata: { labels: { 'sallyport.dev/injected': 'true' } },
      spec: {
        initContainers: [{ name: 'sallyport-sidecar', image: 'registry.example/mallory' }],
        volumes: [{ name: 'sallyport-identity' }],
      },
    });
    expect(strip(foreign, injectionSettings)).toBe(foreign);
    expect(expectedPod(planSubject(foreign), injectionSettings)).toMatchObject({ kind: 'skip', reason: 'name-taken' });
  });

  it('leaves an author’s container that uses our image under a name of its own', () => {
    const tool = { name: 'tool', image: injectionSettings.image };
    expect(names(injected(tweaked(minimalPod, { spec: { initContainers: [tool] } })))).toEqual([
      'sallyport-sidecar',
      'tool',
    ]);
  });

  it('does not take the sidecar’s ports for the author’s', () => {
    const ports = [{ name: 'http', containerPort: 8080 }];
    const pod = tweaked(minimalPod, {
      metadata: { annotations: { 'sallyport.dev/inbound': '8443=http' } },
      spec: { containers: [{ ...minimalContainer, ports }] },
    });
    expect(authorPorts(injected(pod))).toEqual(authorPorts(pod));
    expect(authorPorts(pod)).toEqual([
      { container: 'web', name: 'http', port: 8080, protocol: 'TCP', path: '/spec/containers/0/ports/0' },
    ]);
  });

  it.each([
    ['registry.example/sallyport', true],
    ['registry.example/sallyport:0.0.1', true],
    [`registry.example/sallyport:0.0.1@sha256:${'2'.repeat(64)}`, true],
    ['registry.example:5000/sallyport', false],
    ['registry.example/sallyport/evil', false],
    ['registry.example/sallyportx', false],
    ['sallyport', false],
    ['', false],
  ])('takes a container with image %s for one of ours: %s', (image, isOurs) => {
    const pod = tweaked(minimalPod, { spec: { initContainers: [{ name: 'sallyport-sidecar', image }] } });
    expect(names(strip(pod, injectionSettings))).toEqual(isOurs ? [] : ['sallyport-sidecar']);
  });
});

describe('an image’s repository', () => {
  it.each([
    ['registry.example:5000/sallyport', 'registry.example:5000/sallyport'],
    ['registry.example:5000/sallyport:1.2', 'registry.example:5000/sallyport'],
    ['registry.example:5000/sallyport:1.2@sha256:00', 'registry.example:5000/sallyport'],
    ['sallyport:1.2', 'sallyport'],
    ['sallyport', 'sallyport'],
  ])('of %s is %s', (image, repository) => {
    expect(repositoryOf(image)).toBe(repository);
  });
});

describe('the sidecar', () => {
  it('reads from its environment what was meant', () => {
    const annotations = {
      'sallyport.dev/inbound': '8443=8080,9443=grpc',
      'sallyport.dev/outbound': '5432=db.prod.svc:5432',
      'sallyport.dev/x509-ttl': '1h',
      'sallyport.dev/drain-timeout': '5s',
    };
    const ports = [{ containerPort: 8080 }, { name: 'grpc', containerPort: 9090 }];
    const pod = tweaked(minimalPod, {
      metadata: { annotations },
      spec: { containers: [{ ...minimalContainer, ports }] },
    });
    expect(settingsOf(injected(pod))).toMatchObject({
      trustDomain: 'prod.example',
      authorityAddress: { host: 'sallyport-authority.sallyport-system.svc', port: 8443 },
      authorityId: { text: injectionSettings.authorityId },
      podName: 'metadata.name',
      podNamespace: 'metadata.namespace',
      podUid: 'metadata.uid',
      nodeName: 'spec.nodeName',
      capture: 'explicit',
      inbound: [
        { listen: 8443, target: 8080 },
        { listen: 9443, target: 9090 },
      ],
      outbound: [{ listen: 5432, destination: 'db.prod.svc:5432' }],
      x509Ttl: 3_600_000,
      drainTimeout: 5_000,
    });
  });

  it('reads the defaults of its own table where nothing was asked', () => {
    expect(settingsOf(injected(minimalPod))).toMatchObject({
      inbound: [],
      outbound: [],
      x509Ttl: undefined,
      drainTimeout: 20_000,
      adminPort: 15_490,
    });
  });

  it('has as much memory as it believes', () => {
    expect(settingsOf(injected(minimalPod)).memoryLimitBytes).toBe(256 * 1024 * 1024);
    expect(memberAt(sidecarOf(injected(minimalPod)), 'resources', 'limits', 'memory')).toBe('256Mi');
  });

  it('declares the mapped TLS ports and its own', () => {
    const pod = tweaked(minimalPod, { metadata: { annotations: { 'sallyport.dev/inbound': '8443=8080' } } });
    expect(listAt(sidecarOf(injected(pod)), 'ports')).toEqual([
      { name: 'sallyport-8443', containerPort: 8443, protocol: 'TCP' },
      { name: 'sallyport-admin', containerPort: 15490, protocol: 'TCP' },
    ]);
  });

  const guaranteed = { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } };
  it.each<[string, Json, Json, boolean]>([
    ['a pod without limits', {}, {}, false],
    ['limits with equal requests', guaranteed, guaranteed, true],
    ['limits alone, which the API server requests too', { limits: guaranteed.limits }, guaranteed, true],
    ['a smaller request', { ...guaranteed, requests: { cpu: '500m', memory: '1Gi' } }, guaranteed, false],
    ['no memory limit', { limits: { cpu: '1' } }, guaranteed, false],
    ['an init container without limits', guaranteed, {}, false],
  ])('keeps the quality of service of %s', (_name, own, others, isGuaranteed) => {
    const containers = [{ ...minimalContainer, resources: own }];
    const pod = tweaked(minimalPod, {
      spec: { containers, initContainers: [{ ...init('migrate'), resources: others }] },
    });
    const { limits, requests } = Object.fromEntries(entriesAt(sidecarOf(injected(pod)), 'resources'));
    expect(limits).toEqual({ cpu: '200m', memory: '256Mi' });
    expect(requests).toEqual(isGuaranteed ? limits : { cpu: '50m', memory: '96Mi' });
  });
});

/** What the sidecar would read; of what the kubelet fills in, the field it comes from. */
function settingsOf(pod: JsonObject): SidecarSettings {
  const environment: Record<string, string> = {};
  for (const variable of listAt(sidecarOf(pod), 'env')) {
    const value = textAt(variable, 'value') ?? textAt(variable, 'valueFrom', 'fieldRef', 'fieldPath');
    environment[textAt(variable, 'name') ?? ''] = value ?? '';
  }
  return readSettings(sidecarSettings, environment);
}

function reversed(value: JsonObject): JsonObject {
  return Object.fromEntries(
    entriesAt(value)
      .map(([key, member]): [string, Json] => [key, isJsonObject(member) ? reversed(member) : member])
      .toReversed(),
  );
}

/** Pointers to empty texts, which `omitempty` drops on the way into storage. */
function emptyTexts(value: Json, path = ''): readonly string[] {
  if (value === '') {
    return [path];
  }
  return typeof value === 'object' && value !== null
    ? Object.entries<Json | undefined>(value).flatMap(([key, member]) => emptyTexts(member ?? null, `${path}/${key}`))
    : [];
}
