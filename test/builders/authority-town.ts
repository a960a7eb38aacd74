import type { KubeConfig } from '@kubernetes/client-node';
import { stringify } from 'yaml';
import { z } from 'zod';
import {
  type AuthorityClient,
  type ClientIdentity,
  createAuthorityClient,
} from '../../authority/client/authority-client.ts';
import type { X509Answer } from '../../authority/client/messages.ts';
import { accessPolicyResource } from '../../manifests/resources/access-policy.ts';
import { trustBundleResource } from '../../manifests/resources/trust-bundle.ts';
import { authorityAccess } from '../../manifests/roles.ts';
import type { Clock } from '../../runtime/clock.ts';
import { systemClock } from '../../runtime/clock.ts';
import { requireParsed } from '../../runtime/parsed.ts';
import { Secret } from '../../runtime/secret.ts';
import { parsePemCertificates, printPem } from '../../spiffe/pem.ts';
import { requireSpiffeId } from '../../spiffe/spiffe-id.ts';
import { x509Bundle } from '../../spiffe/trust-bundle.ts';
import { requireTrustDomain } from '../../spiffe/trust-domain.ts';
import { type FakeCluster, startApiServer } from '../fakes/api-server/api-server.ts';
import { certificationRequest } from './certification-request.ts';

/*
 * A cluster small enough for one test: the authority's own place and least RBAC, one opted-in namespace, one injected pod that runs at 127.0.0.1.
 */

export const townDomain = requireTrustDomain('prod.example');
export const townAuthorityId = requireSpiffeId('spiffe://prod.example/ns/sallyport-system/sa/sallyport-authority');
export const authorityPodUid = '11111111-1111-4111-8111-111111111111';

type Resource = typeof accessPolicyResource | typeof trustBundleResource;

/** A definition without a schema: what the fake needs to serve the kind. */
function definition({ group, version, kind, plural, singular, scope }: Resource): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { kind, plural, singular, listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  };
}

const objects: readonly object[] = [
  definition(accessPolicyResource),
  definition(trustBundleResource),
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'sallyport-system' } },
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'prod', labels: { 'sallyport.dev/identity': 'enabled', 'sallyport.dev/policy': 'enforce' } },
  },
  {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'sallyport-authority', namespace: 'sallyport-system' },
  },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'web', namespace: 'prod' } },
  ...authorityAccess('sallyport-system'),
];

export interface Town {
  readonly cluster: FakeCluster;
  /** The authority's own account, by token. */
  authorityKubeConfig(): Promise<KubeConfig>;
  authorityToken(): Promise<string>;
  /** Makes an injected pod of account `web` that runs at 127.0.0.1. */
  addPod(
    name: string,
    more?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> },
  ): Promise<void>;
  /** A projected token of the pod, for the authority's audience unless told otherwise. */
  podToken(pod: string, audience?: string): Promise<Secret>;
  /** What the namespace's ConfigMap holds now. */
  caPem(): Promise<string>;
  stop(): Promise<void>;
}

const configMap = z.object({ data: z.object({ 'ca.pem': z.string() }) });

/** Starts the town. */
export async function startTown(clock: Clock = systemClock): Promise<Town> {
  const cluster = await startApiServer({ clock, kubelet: 'expected' });
  await cluster.apply(objects.map((object) => stringify(object)).join('---\n'));
  const authorityToken = (): Promise<string> =>
    cluster.issueToken({ namespace: 'sallyport-system', serviceAccount: 'sallyport-authority' });
  return {
    cluster,
    authorityToken,
    authorityKubeConfig: async () => cluster.tokenKubeConfig(await authorityToken()),
    addPod: (name, more = {}) => addPod(cluster, name, more),
    async podToken(pod, audience = `sallyport-authority.${townDomain}`) {
      return new Secret(
        await cluster.issueToken({ namespace: 'prod', serviceAccount: 'web', pod, audiences: [audience] }),
      );
    },
    async caPem() {
      return configMap.parse(await cluster.admin.get('/api/v1/namespaces/prod/configmaps/sallyport-trust-bundle')).data[
        'ca.pem'
      ];
    },
    stop: () => cluster.stop(),
  };
}

async function addPod(
  cluster: FakeCluster,
  name: string,
  {
    labels = {},
    annotations = {},
  }: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> },
): Promise<void> {
  const path = '/api/v1/namespaces/prod/pods';
  await cluster.admin.create(path, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'web', 'sallyport.dev/injected': 'true', ...labels }, annotations },
    spec: {
      serviceAccountName: 'web',
      containers: [{ name: 'app', image: 'registry.example/web:1', ports: [{ name: 'http', containerPort: 8080 }] }],
    },
  });
  await cluster.settled();
  await cluster.admin.patch(
    `${path}/${name}/status`,
    { status: { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] } },
    'application/merge-patch+json',
  );
}

/** One SVID of a pod, with what its holder needs to speak TLS. */
export interface HeldSvid {
  readonly answer: X509Answer;
  readonly identity: ClientIdentity;
}

/** A client that trusts `caPem`, with or without an identity. */
export function townClient(
  address: string,
  caPem: string,
  identity?: ClientIdentity,
  clock: Clock = systemClock,
): AuthorityClient {
  return createAuthorityClient({
    address,
    authorityId: townAuthorityId,
    anchors: x509Bundle(townDomain, requireParsed(parsePemCertificates(caPem))),
    clock,
    localAddress: '127.0.0.1',
    ...(identity === undefined ? {} : { identity }),
  });
}

/** Asks for an SVID by a fresh key. */
export async function obtainSvid(client: AuthorityClient, token: Secret, ttlSeconds?: number): Promise<HeldSvid> {
  const { csr, key } = certificationRequest();
  const answer = await client.requestX509({ token, csr, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) });
  const certPem = answer.chain.map((der) => printPem(Buffer.from(der, 'base64'))).join('');
  return { answer, identity: { certPem, keyPem: key.export({ format: 'pem', type: 'pkcs8' }).toString() } };
}
