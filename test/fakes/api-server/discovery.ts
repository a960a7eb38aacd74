import type { JsonObject } from './json.ts';
import { apiVersionOf, type Registry, type Resource } from './resources.ts';

/** Says what answers here, so that nobody takes it for the real one. */
export const versionInfo: JsonObject = {
  major: '1',
  minor: '37',
  gitVersion: 'v1.37.2-sallyport-fake',
  gitCommit: 'an embedded API server for tests and demonstrations; not Kubernetes',
  gitTreeState: 'clean',
  buildDate: '2026-11-24T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: 'node',
};

/** The document at a discovery path (`/api`, `/apis`, `/api/v1`, `/apis/<group>[/<version>]`), or undefined. */
export function discoveryAt(path: string, registry: Registry): JsonObject | undefined {
  const [root, group, version, ...more] = path.split('/').filter((part) => part !== '');
  if (more.length > 0) {
    return undefined;
  }
  if (root === 'api') {
    return group === undefined
      ? coreVersions
      : group === 'v1' && version === undefined
        ? resourceList(registry, '', 'v1')
        : undefined;
  }
  if (root !== 'apis') {
    return undefined;
  }
  if (group === undefined) {
    return {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: groupNames(registry).map((name) => groupOf(registry, name)),
    };
  }
  if (!groupNames(registry).includes(group)) {
    return undefined;
  }
  return version === undefined
    ? { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(registry, group) }
    : resourceList(registry, group, version);
}

const coreVersions: JsonObject = {
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1' }],
};

function groupNames(registry: Registry): readonly string[] {
  const names = registry.all().map((resource) => resource.group);
  return [...new Set(names)].filter((name) => name !== '').toSorted((left, right) => left.localeCompare(right));
}

function groupOf(registry: Registry, name: string): JsonObject {
  const served = registry.all().filter((resource) => resource.group === name);
  const versions = [...new Set(served.map((resource) => resource.version))].map((version) => ({
    groupVersion: `${name}/${version}`,
    version,
  }));
  return { name, versions, preferredVersion: versions[0] };
}

function resourceList(registry: Registry, group: string, version: string): JsonObject | undefined {
  const served = registry.all().filter((resource) => resource.group === group && resource.version === version);
  return served.length === 0
    ? undefined
    : {
        kind: 'APIResourceList',
        apiVersion: 'v1',
        groupVersion: apiVersionOf({ group, version }),
        resources: served.flatMap(describe),
      };
}

function describe(resource: Resource): readonly JsonObject[] {
  const subresources = [...(resource.hasStatus ? ['status'] : []), ...resource.subresources];
  return [
    {
      name: resource.plural,
      singularName: resource.singular,
      namespaced: resource.isNamespaced,
      kind: resource.kind,
      verbs: resource.isStored ? storedVerbs : ['create'],
      ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    },
    ...subresources.map((name) => ({
      name: `${resource.plural}/${name}`,
      singularName: '',
      namespaced: resource.isNamespaced,
      kind: resource.kind,
      verbs: ['binding', 'token'].includes(name) ? ['create'] : ['get', 'patch', 'update'],
    })),
  ];
}

const storedVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
