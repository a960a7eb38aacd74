import type { ClusterApi } from './kubernetes-client.ts';

/** Applies `object` at its own path under a field manager; takes over fields that others hold, ours being the only opinion on them (KEP-555). */
export function serverSideApply(api: ClusterApi, path: string, object: object, fieldManager: string): Promise<unknown> {
  return api.patch(path, object, 'application/apply-patch+yaml', { fieldManager, force: 'true' });
}
