import { mkdir, mkdtemp, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { ClusterApi } from '../../../runtime/cluster/kubernetes-client.ts';
import { fieldOf, type Pod, type Projection, type Volume } from './pod.ts';

const keyed = z.object({ data: z.record(z.string(), z.string()).optional() });
const tokenAnswer = z.object({ status: z.object({ token: z.string(), expirationTimestamp: z.string() }) });

/** Tokens of one pod by audience: renewed at 80 % of their life, as the kubelet does. */
interface HeldToken {
  readonly token: string;
  readonly renewAtMs: number;
}

export interface PodVolumes {
  /** Host directory of a volume. */
  directoryOf(name: string): string;
  /** Writes what changed since last time. Rejects when something that is not optional does not exist yet. */
  refresh(): Promise<void>;
  /** Makes the next refresh fetch new tokens. */
  expireTokens(): void;
}

/** Replaces a directory's content as one: a new directory, then one symlink renamed over `..data`, so that no reader mixes generations. */
async function publish(directory: string, files: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(directory, { recursive: true });
  const data = join(directory, '..data');
  const previous = await readlink(data).catch(() => undefined);
  const fresh = await mkdtemp(join(directory, '..generation-'));
  for (const [path, content] of files) {
    await mkdir(dirname(join(fresh, path)), { recursive: true });
    await writeFile(join(fresh, path), content, { mode: 0o640 });
  }
  await symlink(fresh, `${data}.next`);
  await rename(`${data}.next`, data);
  for (const path of files.keys()) {
    const top = path.split('/')[0] ?? path;
    await symlink(join('..data', top), join(directory, top)).catch(() => undefined);
  }
  if (previous !== undefined) {
    await rm(previous, { recursive: true, force: true });
  }
}

/** The volumes of one pod below `base`, filled from the API server with the kubelet's own account. */
export function podVolumes(pod: Pod, address: string, base: string, api: ClusterApi, nowMs: () => number): PodVolumes {
  const { namespace, name, uid } = pod.metadata;
  const tokens = new Map<string, HeldToken>();
  const published = new Map<string, string>();
  const directoryOf = (volume: string): string => join(base, 'volumes', volume);

  async function keysOf(
    kind: 'configmaps' | 'secrets',
    object: string,
    isOptional: boolean,
  ): Promise<Record<string, string>> {
    try {
      const { data = {} } = keyed.parse(await api.get(`/api/v1/namespaces/${namespace}/${kind}/${object}`));
      return kind === 'configmaps'
        ? data
        : Object.fromEntries(
            Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
          );
    } catch (error) {
      if (isOptional) {
        return {};
      }
      throw error;
    }
  }

  async function tokenFor(audience: string | undefined, expirationSeconds: number): Promise<string> {
    const key = `${audience ?? ''} ${expirationSeconds}`;
    const held = tokens.get(key);
    if (held !== undefined && nowMs() < held.renewAtMs) {
      return held.token;
    }
    const answer = await api.create(
      `/api/v1/namespaces/${namespace}/serviceaccounts/${pod.spec.serviceAccountName}/token`,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {
          ...(audience === undefined ? {} : { audiences: [audience] }),
          expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      },
    );
    const { token, expirationTimestamp } = tokenAnswer.parse(answer).status;
    const lifeMs = Date.parse(expirationTimestamp) - nowMs();
    tokens.set(key, { token, renewAtMs: nowMs() + 0.8 * lifeMs });
    return token;
  }

  const selected = (
    data: Record<string, string>,
    items: readonly { key: string; path: string }[] | undefined,
  ): [string, string][] =>
    items === undefined
      ? Object.entries(data)
      : items.flatMap(({ key, path }): [string, string][] => (data[key] === undefined ? [] : [[path, data[key]]]));

  async function filesOf(source: Projection): Promise<[string, string][]> {
    if (source.serviceAccountToken !== undefined) {
      const { path, audience, expirationSeconds } = source.serviceAccountToken;
      return [[path, await tokenFor(audience, expirationSeconds)]];
    }
    if (source.configMap !== undefined) {
      const { name: map, items, optional } = source.configMap;
      return selected(await keysOf('configmaps', map, optional ?? false), items);
    }
    if (source.secret !== undefined) {
      const { name: secret, items, optional } = source.secret;
      return selected(await keysOf('secrets', secret, optional ?? false), items);
    }
    return (source.downwardAPI?.items ?? []).map(({ path, fieldRef }) => [
      path,
      fieldOf(pod, address, fieldRef.fieldPath) ?? '',
    ]);
  }

  function sourcesOf(volume: Volume): readonly Projection[] {
    if (volume.projected !== undefined) {
      return volume.projected.sources;
    }
    if (volume.configMap !== undefined) {
      return [{ configMap: volume.configMap }];
    }
    return volume.secret === undefined ? [] : [{ secret: { ...volume.secret, name: volume.secret.secretName } }];
  }

  return {
    directoryOf,
    async refresh() {
      for (const volume of pod.spec.volumes) {
        const files = new Map((await Promise.all(sourcesOf(volume).map(filesOf))).flat());
        const digest = JSON.stringify([...files]);
        if (published.get(volume.name) !== digest) {
          await publish(directoryOf(volume.name), files);
          published.set(volume.name, digest);
        }
      }
    },
    expireTokens: () => tokens.clear(),
  };
}
