import { type Exemption, readExemption } from '../../manifests/resources/exemption.ts';
import { buildRbacGraph, type RbacGraph } from '../ceiling/rbac-graph.ts';
import type { NamespaceFacts } from '../policy/context.ts';
import { entriesAt, textAt } from '../policy/json-access.ts';
import { kindKey } from '../policy/pod-template.ts';
import type { AdmissionPorts } from './ports.ts';
import type { JsonObject } from './request.ts';

/** A set of objects that stands for a cluster: every port of a judgement answers from it. */
export interface MemoryCluster extends AdmissionPorts {
  /** Adds an object, or replaces the one of the same kind, namespace and name. */
  put(object: JsonObject): void;
  has(object: JsonObject): boolean;
}

/** The ports over `objects`: the CLI's `--state`, and tests. A namespace, account or role that is not among them does not exist. */
export function memoryCluster(objects: readonly JsonObject[] = []): MemoryCluster {
  const byKind = new Map<string, Map<string, JsonObject>>();
  let graph: RbacGraph | undefined;
  const ofKind = (kind: string): readonly JsonObject[] => [...(byKind.get(kind)?.values() ?? [])];
  const find = (kind: string, key: string): JsonObject | undefined => byKind.get(kind)?.get(key);
  const put = (object: JsonObject): void => {
    const kind = kindOf(object);
    const known = byKind.get(kind) ?? new Map<string, JsonObject>();
    byKind.set(kind, known.set(keyOf(object), object));
    graph = undefined;
  };
  objects.forEach(put);
  return {
    put,
    has: (object) => find(kindOf(object), keyOf(object)) !== undefined,
    namespaces: { find: (name) => Promise.resolve(namespaceFacts(find('Namespace', `/${name}`))) },
    rbac: {
      current: () =>
        (graph ??= buildRbacGraph({
          roles: ofKind('Role.rbac.authorization.k8s.io'),
          roleBindings: ofKind('RoleBinding.rbac.authorization.k8s.io'),
          clusterRoles: ofKind('ClusterRole.rbac.authorization.k8s.io'),
          clusterRoleBindings: ofKind('ClusterRoleBinding.rbac.authorization.k8s.io'),
        })),
    },
    exemptions: { all: () => ofKind('Exemption.sallyport.dev').flatMap(exemptionOf) },
    secretTypes: {
      inNamespace: (namespace) =>
        new Map(
          inNamespace(ofKind('Secret'), namespace).map((secret) => [
            nameOf(secret),
            textAt(secret, 'type') ?? 'Opaque',
          ]),
        ),
      // What is seen at admission is in the set already, or joins it by `put`.
      remember: () => undefined,
    },
    referableNames: {
      inNamespace: (namespace) =>
        new Set(
          ['Secret', 'ConfigMap', 'ServiceAccount'].flatMap((kind) => inNamespace(ofKind(kind), namespace).map(nameOf)),
        ),
    },
    liveObjects: {
      find: ({ apiVersion, kind, namespace, name }) =>
        Promise.resolve(find(kindKey({ group: groupOf(apiVersion), kind }), `${namespace}/${name}`)),
    },
  };
}

/** The namespace facts of a Namespace object. */
export function namespaceFacts(namespace: JsonObject | undefined): NamespaceFacts | undefined {
  return namespace === undefined
    ? undefined
    : {
        name: nameOf(namespace),
        labels: textsAt(namespace, 'labels'),
        annotations: textsAt(namespace, 'annotations'),
        known: true,
      };
}

function textsAt(object: JsonObject, member: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    entriesAt(object, 'metadata', member).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  );
}

function exemptionOf(object: JsonObject): readonly Exemption[] {
  const exemption = readExemption(object);
  return exemption === undefined ? [] : [exemption];
}

function inNamespace(objects: readonly JsonObject[], namespace: string): readonly JsonObject[] {
  return objects.filter((object) => (textAt(object, 'metadata', 'namespace') ?? 'default') === namespace);
}

function kindOf(object: JsonObject): string {
  return kindKey({ group: groupOf(textAt(object, 'apiVersion') ?? ''), kind: textAt(object, 'kind') ?? '' });
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}

function keyOf(object: JsonObject): string {
  return `${textAt(object, 'metadata', 'namespace') ?? ''}/${nameOf(object)}`;
}

function nameOf(object: JsonObject): string {
  return textAt(object, 'metadata', 'name') ?? '';
}
