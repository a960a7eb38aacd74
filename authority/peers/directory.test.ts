import { describe, expect, it } from 'vitest';
import { attestedPod } from '../../test/builders/attested-pod.ts';
import { buildDirectory, type DirectoryFacts } from './directory.ts';

const pod = attestedPod();
const service = {
  namespace: 'prod',
  name: 'web',
  clusterIps: ['10.96.0.9', 'fd00::9'],
  ports: [
    { name: 'http', port: 80 },
    { name: 'metrics', port: 90 },
  ],
};
const endpointOf = (uid: string | undefined, address = '10.0.0.7', isReady = true) => ({
  addresses: [address],
  isReady,
  pod: uid === undefined ? undefined : { namespace: 'prod', name: 'web-1', uid },
  zone: 'a',
  node: 'node-1',
});
const slice = {
  namespace: 'prod',
  name: 'web-x',
  service: 'web',
  ports: [
    { name: 'http', port: 8080 },
    { name: 'metrics', port: 9090 },
  ],
  endpoints: [endpointOf(pod.uid)],
};

function lookUp(key: string, tweak: Partial<DirectoryFacts> = {}) {
  const idOf = ({ namespace, serviceAccount }: { namespace: string; serviceAccount: string }): string =>
    `spiffe://prod.example/ns/${namespace}/sa/${serviceAccount}`;
  return buildDirectory({ services: [service], slices: [slice], pods: [pod], idOf, ...tweak }).lookUp(key);
}

const tlsEndpoint = {
  address: '10.0.0.7',
  port: 8443,
  ids: ['spiffe://prod.example/ns/prod/sa/web'],
  ours: true,
  plaintext: false,
  ready: true,
};

describe('directory', () => {
  it.each(['web.prod.svc:80', '10.96.0.9:80', '[fd00::9]:80', '[FD00::9]:80'])(
    'leads %s to the TLS port of the pod, with the id it must prove',
    (key) => {
      expect(lookUp(key)).toEqual({ key, kind: 'mesh', endpoints: [{ ...tlsEndpoint, zone: 'a', node: 'node-1' }] });
    },
  );

  it('leads a pod’s own address there too, by target port and by TLS port', () => {
    expect(lookUp('10.0.0.7:8080')).toEqual({ key: '10.0.0.7:8080', kind: 'mesh', endpoints: [tlsEndpoint] });
    expect(lookUp('10.0.0.7:8443').endpoints).toEqual([tlsEndpoint]);
  });

  it('says plaintext of a port that is not behind the sidecar, and of a pod without one', () => {
    expect(lookUp('web.prod.svc:90')).toMatchObject({
      kind: 'outside',
      endpoints: [{ port: 9090, ids: [], ours: false, plaintext: true }],
    });
    expect(lookUp('web.prod.svc:80', { pods: [] })).toMatchObject({
      kind: 'outside',
      endpoints: [{ port: 8080, plaintext: true }],
    });
  });

  it('never takes a pod for the one an endpoint means because it has its name or address', () => {
    const successor = attestedPod({ uid: 'another' });
    expect(lookUp('web.prod.svc:80', { pods: [successor] })).toMatchObject({
      kind: 'outside',
      endpoints: [{ ids: [] }],
    });
  });

  it('marks what is not ready, and a pod that is going', () => {
    const unready = { ...slice, endpoints: [endpointOf(pod.uid, '10.0.0.7', false)] };
    expect(lookUp('web.prod.svc:80', { slices: [unready] }).endpoints).toMatchObject([{ ready: false }]);
    expect(lookUp('web.prod.svc:80', { pods: [attestedPod({ isBeingDeleted: true })] }).endpoints).toMatchObject([
      { ready: false },
    ]);
  });

  it('mixes meshed and other endpoints of one Service', () => {
    const mixed = { ...slice, endpoints: [endpointOf(pod.uid), endpointOf(undefined, '10.0.0.8')] };
    expect(lookUp('web.prod.svc:80', { slices: [mixed] })).toMatchObject({
      kind: 'mesh',
      endpoints: [{ plaintext: false }, { plaintext: true, address: '10.0.0.8' }],
    });
  });

  it.each([
    'web.prod.svc:81',
    'web.other.svc:80',
    '10.1.1.1:80',
    '',
    ':80',
    'web.prod.svc',
    'web.prod.svc:-1',
    'web.prod.svc:1e9x',
  ])('knows nothing of "%s"', (key) => {
    expect(lookUp(key)).toEqual({ key, kind: 'unknown', endpoints: [] });
  });

  it('answers a Service without endpoints as outside, with none to dial', () => {
    expect(lookUp('web.prod.svc:80', { slices: [] })).toEqual({
      key: 'web.prod.svc:80',
      kind: 'outside',
      endpoints: [],
    });
  });
});
