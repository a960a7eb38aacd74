import { createHash } from 'node:crypto';
import {
  parseTrustBundle,
  type TrustBundleAuthority,
  type TrustBundleObject,
} from '../../manifests/resources/trust-bundle.ts';
import { ClusterFailure } from '../../runtime/cluster/cluster-failure.ts';
import type { ClusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { BundleSpec, KeyStatus, StoredBundle, TrustBundleStore } from '../bundles/ports.ts';
import { AuthorityProgramFailure } from '../failures.ts';
import type { KeyEntry } from '../keys/ring-key.ts';

const collection = '/apis/sallyport.dev/v1alpha1/trustbundles';

/** The `TrustBundle` of one trust domain in the API server. */
export function clusterTrustBundleStore(api: ClusterApi, trustDomain: TrustDomain): TrustBundleStore {
  const name = objectNameOf(trustDomain);
  const path = `${collection}/${name}`;
  return {
    async read() {
      const object = await orUndefined(api.get(path), ['not-found']);
      return object === undefined ? undefined : storedOf(object, trustDomain);
    },
    async write(spec, resourceVersion) {
      const body = objectOf(spec, name, trustDomain, resourceVersion);
      const written = resourceVersion === undefined ? api.create(collection, body) : api.replace(path, body);
      const object = await orUndefined(written, ['conflict', 'already-exists', 'not-found']);
      return object === undefined ? 'conflict' : storedOf(object, trustDomain);
    },
    async writeStatus(keys) {
      await api.patch(
        `${path}/status`,
        { status: { authorities: keys.map(statusOf) } },
        'application/merge-patch+json',
      );
    },
  };
}

/** The domain's own name where an object may bear it, else a digest: object names hold neither `_` nor 254 characters. */
export function objectNameOf(trustDomain: TrustDomain): string {
  const isName =
    trustDomain.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(trustDomain);
  return isName ? trustDomain : `td-${createHash('sha256').update(trustDomain).digest('hex').slice(0, 32)}`;
}

async function orUndefined(call: Promise<unknown>, codes: readonly ClusterFailure['code'][]): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ClusterFailure && codes.includes(error.code)) {
      return undefined;
    }
    throw error;
  }
}

function storedOf(object: unknown, trustDomain: TrustDomain): StoredBundle {
  const read = parseTrustBundle(object);
  if (!read.ok || read.value.spec.trustDomain !== trustDomain) {
    const fault = read.ok ? 'it is of another trust domain' : `${read.problem.path ?? ''} ${read.problem.message}`;
    throw new AuthorityProgramFailure(
      'bundle-unreadable',
      `the TrustBundle of ${trustDomain} cannot be read: ${fault}`,
    );
  }
  const { metadata, spec, status } = read.value;
  return {
    entries: spec.authorities.map(entryOf),
    refreshHintSeconds: spec.refreshHintSeconds,
    sequenceBase: BigInt(spec.sequenceBase),
    generation: metadata.generation ?? 0,
    resourceVersion: metadata.resourceVersion ?? '',
    withdrawn: withdrawnOf(status),
  };
}

function withdrawnOf(status: TrustBundleObject['status']): readonly string[] {
  return (status?.authorities ?? []).filter(({ state }) => state === 'withdrawn').map(({ id }) => id);
}

function entryOf({
  id,
  kind,
  public: text,
  preparedAt,
  activeFrom,
  signUntil,
  notAfter,
  fullLead,
}: TrustBundleAuthority): KeyEntry {
  return {
    id,
    kind,
    public: new Uint8Array(Buffer.from(text, 'base64')),
    preparedAt: new Date(preparedAt),
    activeFrom: new Date(activeFrom),
    signUntil: new Date(signUntil),
    notAfter: new Date(notAfter),
    fullLead,
  };
}

function objectOf(
  spec: BundleSpec,
  name: string,
  trustDomain: TrustDomain,
  resourceVersion: string | undefined,
): object {
  return {
    apiVersion: 'sallyport.dev/v1alpha1',
    kind: 'TrustBundle',
    metadata: { name, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
    spec: {
      trustDomain,
      refreshHintSeconds: spec.refreshHintSeconds,
      sequenceBase: String(spec.sequenceBase),
      authorities: spec.entries.map((entry) => ({
        id: entry.id,
        kind: entry.kind,
        public: Buffer.from(entry.public).toString('base64'),
        preparedAt: entry.preparedAt.toISOString(),
        activeFrom: entry.activeFrom.toISOString(),
        signUntil: entry.signUntil.toISOString(),
        notAfter: entry.notAfter.toISOString(),
        fullLead: entry.fullLead,
      })),
    },
  };
}

function statusOf({ id, state, activatedAt }: KeyStatus): object {
  return { id, state, ...(activatedAt === undefined ? {} : { activatedAt: activatedAt.toISOString() }) };
}
