import type { Json } from './json.ts';
import type { Attributes } from './rbac.ts';
import type { Registry, Resource } from './resources.ts';
import type { User } from './user.ts';

/** One call as it came, from a socket or from a controller of our own. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly userAgent: string;
  readonly body: string;
  readonly user: User;
}

/** An answer; of a watch, what feeds it. */
export type ApiResponse =
  | { readonly kind: 'json'; readonly code: number; readonly body: Json; readonly warnings: readonly string[] }
  | { readonly kind: 'text'; readonly code: number; readonly body: string }
  | { readonly kind: 'watch'; readonly start: WatchStart };

/** Begins a watch: lines go to `write`, the end to `end`; gives what stops it. */
export type WatchStart = (write: (line: string) => void, end: () => void) => () => void;

/** What a path under `/api` or `/apis` means. */
export interface Target {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

/** A request for a served resource, with what it gathers while it is worked on. */
export interface Exchange extends Target {
  readonly request: ApiRequest;
  readonly user: User;
  readonly resource: Resource;
  readonly isDryRun: boolean;
  /** Shown to the client as `Warning` headers. */
  readonly warnings: string[];
  /** Goes into the audit log with the request. */
  readonly annotations: Map<string, string>;
}

/** The parts of a resource path, or undefined for a path outside the API's resources. */
export function parseTarget(path: string): Target | undefined {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const [root, ...rest] = parts;
  const group = root === 'api' ? '' : rest.shift();
  const version = rest.shift();
  if ((root !== 'api' && root !== 'apis') || group === undefined || version === undefined || rest.length === 0) {
    return undefined;
  }
  return { group, version, ...withinVersion(rest) };
}

function withinVersion(parts: readonly string[]): Omit<Target, 'group' | 'version'> {
  const [first = '', second = '', third = '', fourth = '', fifth = ''] = parts;
  if (first !== 'namespaces' || third === '' || namespaceSubresources.has(third)) {
    // The namespace of a Namespace is itself: a Role in it may allow reading it.
    return { plural: first, namespace: first === 'namespaces' ? second : '', name: second, subresource: third };
  }
  return { plural: third, namespace: second, name: fourth, subresource: fifth };
}

const namespaceSubresources = new Set(['status', 'finalize']);

/** The verb RBAC knows a request by. */
export function verbOf(request: ApiRequest, target: Target): string {
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return isWatch(request) ? 'watch' : target.name === '' ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return target.name === '' ? 'deletecollection' : 'delete';
    default:
      return request.method.toLowerCase();
  }
}

export function isWatch(request: ApiRequest): boolean {
  return ['1', 'true'].includes(request.query.get('watch') ?? '');
}

/** What authorization is asked for a request. */
export function attributesOf(request: ApiRequest, target: Target | undefined): Attributes {
  if (target === undefined) {
    return { kind: 'path', verb: request.method.toLowerCase(), path: request.path };
  }
  const { group, plural, subresource, namespace, name } = target;
  return { kind: 'resource', verb: verbOf(request, target), group, resource: plural, subresource, namespace, name };
}

/** The exchange for a target that is served, or undefined. */
export function exchangeOf(request: ApiRequest, target: Target, registry: Registry): Exchange | undefined {
  const resource = registry.find(target.group, target.version, target.plural);
  if (resource === undefined || !isServed(resource, target)) {
    return undefined;
  }
  return {
    ...target,
    // Of a Namespace the store knows no namespace; its own name was for authorization.
    namespace: resource.isNamespaced ? target.namespace : '',
    request,
    user: request.user,
    resource,
    isDryRun: request.query.getAll('dryRun').includes('All'),
    warnings: [],
    annotations: new Map(),
  };
}

function isServed(resource: Resource, target: Target): boolean {
  const { subresource } = target;
  const hasSubresource =
    subresource === '' ||
    (subresource === 'status' && resource.hasStatus) ||
    resource.subresources.includes(subresource);
  return hasSubresource && (resource.isNamespaced || target.namespace === '' || resource.plural === 'namespaces');
}
