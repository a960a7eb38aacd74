import type { CacheChange, WatchCache } from '../../runtime/cluster/watch-cache.ts';
import type { ReferableNames, SecretTypes } from '../admission/ports.ts';
import { textAt } from '../policy/json-access.ts';
import { isObject } from './objects.ts';

export const serviceAccountsPath = '/api/v1/serviceaccounts';

/** Service accounts by the watch cache, Secrets as far as they passed admission. ConfigMaps are not read: their contents would come along. */
export function clusterReferableNames(
  accounts: Pick<WatchCache<string>, 'onChange'>,
  secrets: Pick<SecretTypes, 'inNamespace'>,
): ReferableNames {
  const byNamespace = new Map<string, Set<string>>();
  accounts.onChange(({ kind, namespace, name }: CacheChange<string>) => {
    const names = byNamespace.get(namespace) ?? new Set<string>();
    byNamespace.set(namespace, names);
    if (kind === 'set') {
      names.add(name);
    } else {
      names.delete(name);
    }
  });
  return {
    inNamespace: (namespace) =>
      new Set([...(byNamespace.get(namespace) ?? []), ...secrets.inNamespace(namespace).keys()]),
  };
}

/** What the cache keeps of a service account: its name. */
export function parseServiceAccount(object: unknown): string | undefined {
  return isObject(object) ? textAt(object, 'metadata', 'name') : undefined;
}
