import type { WatchCache } from '../../runtime/cluster/watch-cache.ts';
import type { RbacView } from '../admission/ports.ts';
import type { JsonObject } from '../admission/request.ts';
import { type RbacGraph, rbacGraphBuilder } from '../ceiling/rbac-graph.ts';
import { objectAt } from '../policy/json-access.ts';
import { isObject } from './objects.ts';

const group = '/apis/rbac.authorization.k8s.io/v1';

export const rbacPaths = {
  roles: `${group}/roles`,
  roleBindings: `${group}/rolebindings`,
  clusterRoles: `${group}/clusterroles`,
  clusterRoleBindings: `${group}/clusterrolebindings`,
} as const;

export type RbacKind = keyof typeof rbacPaths;

export type RbacCaches = Readonly<Record<RbacKind, Pick<WatchCache<JsonObject>, 'all' | 'synced' | 'revision'>>>;

/** The graph of four watch caches, built again when one of them has changed and somebody asks. Undefined until all have synced once. */
export function clusterRbac(caches: RbacCaches): RbacView {
  const { roles, roleBindings, clusterRoles, clusterRoleBindings } = caches;
  const all = [roles, roleBindings, clusterRoles, clusterRoleBindings];
  const build = rbacGraphBuilder();
  let built: { readonly revision: string; readonly graph: RbacGraph } | undefined;
  return {
    current() {
      if (!all.every((cache) => cache.synced())) {
        return undefined;
      }
      const revision = all.map((cache) => cache.revision()).join('.');
      if (built?.revision !== revision) {
        const graph = build({
          roles: roles.all(),
          roleBindings: roleBindings.all(),
          clusterRoles: clusterRoles.all(),
          clusterRoleBindings: clusterRoleBindings.all(),
        });
        built = { revision, graph };
      }
      return built.graph;
    },
  };
}

/** What the caches keep of an RBAC object: everything that grants, nothing of who wrote it when. */
export function parseRbacObject(object: unknown): JsonObject | undefined {
  if (!isObject(object)) {
    return undefined;
  }
  const { name, namespace, uid, labels, resourceVersion } = objectAt(object, 'metadata') ?? {};
  const { apiVersion, kind, rules, aggregationRule, roleRef, subjects } = object;
  const metadata = present({ name, namespace, uid, labels, resourceVersion });
  return present({ apiVersion, kind, metadata, rules, aggregationRule, roleRef, subjects });
}

function present(members: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined));
}
