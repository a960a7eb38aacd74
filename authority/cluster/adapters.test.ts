import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type ClusterApi, clusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import { Secret } from '../../runtime/secret.ts';
import { requireTrustDomain } from '../../spiffe/trust-domain.ts';
import { unsignedToken } from '../../test/builders/attested-pod.ts';
import { startTown, type Town, townDomain } from '../../test/builders/authority-town.ts';
import { clusterFirstContactStore } from './cluster-first-contact-store.ts';
import { clusterTokenReviewer } from './cluster-token-reviewer.ts';
import { clusterTrustBundleStore, objectNameOf } from './cluster-trust-bundle-store.ts';
import { memoryTokenReviewer } from './memory-token-reviewer.ts';
import { memoryTrustBundleStore } from './memory-trust-bundle-store.ts';
import { parseNamespace } from './namespace.ts';
import { parseNetworkPolicy, parseService, parseSlice } from './network-objects.ts';
import { parsePod } from './pod.ts';
import { tokenReviewerContract } from './token-reviewer.contract.ts';
import { trustBundleStoreContract } from './trust-bundle-store.contract.ts';

/* The adapters speak to the API server as the authority's own account, so that its least RBAC is tried with them. */

let town: Town;
let api: ClusterApi;
beforeAll(async () => {
  town = await startTown();
  await town.addPod('web-1', { annotations: { 'sallyport.dev/inbound': '8443=http, 9443=9090,x=1,1=2=3,70000=1' } });
  api = clusterApi(await town.authorityKubeConfig(), { timeoutMs: 5_000 });
});
afterAll(() => town.stop());

const podUid = z.object({ metadata: z.object({ uid: z.string() }) });
const uidOf = async (name: string): Promise<string> =>
  podUid.parse(await town.cluster.admin.get(`/api/v1/namespaces/prod/pods/${name}`)).metadata.uid;

trustBundleStoreContract('memory trust bundle store', () => Promise.resolve(memoryTrustBundleStore()));
trustBundleStoreContract('cluster trust bundle store', () => Promise.resolve(clusterTrustBundleStore(api, townDomain)));

const audience = `sallyport-authority.${townDomain}`;
const strange = new Secret(unsignedToken({ sub: 'x' }));
tokenReviewerContract('memory token reviewer', () => {
  const reviewer = memoryTokenReviewer();
  const token = unsignedToken({ sub: 'system:serviceaccount:prod:web' });
  const extra = {
    'authentication.kubernetes.io/pod-uid': ['uid-1'],
    'authentication.kubernetes.io/pod-name': ['web-1'],
  };
  reviewer.accept(token, { username: 'system:serviceaccount:prod:web', extra }, [audience]);
  return Promise.resolve({ reviewer, token: new Secret(token), podUid: 'uid-1', audience, strange });
});
tokenReviewerContract('cluster token reviewer', async () => ({
  reviewer: clusterTokenReviewer(api),
  token: await town.podToken('web-1'),
  podUid: await uidOf('web-1'),
  audience,
  strange,
}));

describe('cluster trust bundle store', () => {
  it('refuses to read, and so to overwrite, what is no TrustBundle of its domain', async () => {
    const other = requireTrustDomain('other.example');
    await town.cluster.apply(`
apiVersion: sallyport.dev/v1alpha1
kind: TrustBundle
metadata: { name: other.example }
spec: { trustDomain: third.example, sequenceBase: '1', authorities: [] }
`);
    await expect(clusterTrustBundleStore(api, other).read()).rejects.toMatchObject({
      code: 'bundle-unreadable',
      isRetryable: false,
    });
  });

  it('names its object as its domain, where an object may bear that name', () => {
    expect(objectNameOf(townDomain)).toBe('prod.example');
    expect(objectNameOf(requireTrustDomain('a_b.example'))).toMatch(/^td-[0-9a-f]{32}$/);
    expect(objectNameOf(requireTrustDomain('-x.example'))).toMatch(/^td-/);
  });
});

describe('cluster first contact', () => {
  it('creates the ConfigMap, changes it, and puts an edit right', async () => {
    const store = clusterFirstContactStore(api);
    await store.put('prod', 'one\n');
    expect(await town.caPem()).toBe('one\n');
    await store.put('prod', 'two\n');
    await town.cluster.admin.patch(
      '/api/v1/namespaces/prod/configmaps/sallyport-trust-bundle',
      { data: { 'ca.pem': 'edited', more: 'x' } },
      'application/merge-patch+json',
    );
    await store.put('prod', 'two\n');
    expect(await town.caPem()).toBe('two\n');
  });

  it('fails in a namespace that is not there', async () => {
    await expect(clusterFirstContactStore(api).put('nowhere', 'x')).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('objects of the cluster', () => {
  it('reads a pod as the API server has it, and of its mapping what is of the form', async () => {
    const pod = parsePod(await api.get('/api/v1/namespaces/prod/pods/web-1'));
    expect(pod).toMatchObject({
      namespace: 'prod',
      name: 'web-1',
      serviceAccount: 'web',
      node: 'node-1',
      phase: 'Running',
      addresses: ['127.0.0.1'],
      isInjected: true,
      isBeingDeleted: false,
    });
    expect([...(pod?.inbound ?? [])]).toEqual([
      [8080, 8443],
      [9090, 9443],
    ]);
  });

  it.each([
    [{ 'sallyport.dev/identity': 'enabled' }, true, 'enforce'],
    [{ 'sallyport.dev/identity': 'enabled', 'sallyport.dev/policy': 'audit' }, true, 'audit'],
    [{ 'sallyport.dev/identity': 'enabled', 'sallyport.dev/policy': 'lax' }, true, 'enforce'],
    [{ 'sallyport.dev/identity': 'yes' }, false, 'audit'],
  ])('reads a namespace with %j', (labels, isOptedIn, mode) => {
    expect(parseNamespace({ metadata: { name: 'n', labels } })).toMatchObject({ isOptedIn, mode });
  });

  it.each([parsePod, parseNamespace, parseService, parseSlice, parseNetworkPolicy])(
    '%o drops what is none of its kind',
    (parse) => {
      for (const odd of [null, 1, 'x', [], {}, { metadata: {} }, { metadata: { name: 1 } }]) {
        expect(parse(odd)).toBeUndefined();
      }
    },
  );

  it('reads an EndpointSlice with what its API leaves out', () => {
    const metadata = { namespace: 'prod', name: 's', labels: { 'kubernetes.io/service-name': 'web' } };
    const endpoints = [
      { addresses: ['10.0.0.1'] },
      { addresses: ['10.0.0.2'], conditions: { ready: false }, targetRef: { kind: 'Pod', name: 'p', uid: 'u' } },
    ];
    expect(
      parseSlice({
        metadata,
        ports: [
          { name: '', port: 80 },
          { name: 'dns', port: 53, protocol: 'UDP' },
        ],
        endpoints,
      }),
    ).toEqual({
      namespace: 'prod',
      name: 's',
      service: 'web',
      ports: [{ name: '', port: 80 }],
      endpoints: [
        { addresses: ['10.0.0.1'], isReady: true, pod: undefined, zone: undefined, node: undefined },
        {
          addresses: ['10.0.0.2'],
          isReady: false,
          pod: { namespace: 'prod', name: 'p', uid: 'u' },
          zone: undefined,
          node: undefined,
        },
      ],
    });
    expect(parseSlice({ metadata, ports: null, endpoints: null })).toMatchObject({ ports: [], endpoints: [] });
  });
});
