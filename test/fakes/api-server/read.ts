import type { Clock } from '../../../runtime/clock.ts';
import { isObject, type JsonObject, parseJson, textAt } from './json.ts';
import { type ApiResponse, type Exchange, isWatch } from './request.ts';
import { apiVersionOf } from './resources.ts';
import { expired, notFound } from './status.ts';
import type { Store } from './storage.ts';
import { selectorOf, watchOf } from './watch.ts';

/** GET of one object, of a collection (with selectors, `limit` and `continue`), or a watch. */
export function read(exchange: Exchange, store: Store, clock: Clock): ApiResponse {
  if (isWatch(exchange.request)) {
    return { kind: 'watch', start: watchOf(exchange, store, clock) };
  }
  const body = exchange.name === '' ? listOf(exchange, store) : objectOf(exchange, store);
  return { kind: 'json', code: 200, body, warnings: exchange.warnings };
}

function objectOf(exchange: Exchange, store: Store): JsonObject {
  const object = store.get(exchange.resource, exchange.namespace, exchange.name);
  if (object === undefined) {
    throw notFound(exchange.resource, exchange.name);
  }
  return object;
}

/**
 * Pages continue behind the last key of the page before and carry the revision of the first page, so that a watch from there misses nothing; a page
 * may show newer objects than the first did, which etcd would not.
 */
function listOf(exchange: Exchange, store: Store): JsonObject {
  const { resource, request } = exchange;
  const page = pageOf(request.query, store);
  const matching = store.list(resource, exchange.namespace).filter(selectorOf(exchange));
  const left = matching.filter((object) => sortKey(object) > page.after);
  const items = page.limit === 0 ? left : left.slice(0, page.limit);
  const last = items.at(-1);
  const remaining = left.length - items.length;
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: {
      resourceVersion: page.revision,
      ...(remaining > 0 && last !== undefined
        ? { continue: printContinue(page.revision, sortKey(last)), remainingItemCount: remaining }
        : {}),
    },
    items: items.map(withoutType),
  };
}

/** Items of a list of a built-in kind carry no `kind` and `apiVersion`; those of custom resources do. */
function withoutType(object: JsonObject): JsonObject {
  if (textAt(object, 'apiVersion').startsWith('sallyport.dev/')) {
    return object;
  }
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
  return rest;
}

interface Page {
  readonly limit: number;
  readonly revision: string;
  readonly after: string;
}

function pageOf(query: URLSearchParams, store: Store): Page {
  const limit = Number(query.get('limit') ?? '0');
  const token = query.get('continue') ?? '';
  if (token === '') {
    return { limit, revision: String(store.revision()), after: '' };
  }
  const parsed = parseContinue(token);
  if (parsed === undefined || Number(parsed.revision) < store.oldest()) {
    throw expired('The provided continue parameter is too old to display a consistent list result.');
  }
  return { limit, ...parsed };
}

/** The order the store lists in. */
function sortKey(object: JsonObject): string {
  return `${textAt(object, 'metadata', 'namespace')}/${textAt(object, 'metadata', 'name')}`;
}

function printContinue(revision: string, after: string): string {
  return Buffer.from(JSON.stringify({ revision, after })).toString('base64url');
}

function parseContinue(token: string): { readonly revision: string; readonly after: string } | undefined {
  try {
    const parsed = parseJson(Buffer.from(token, 'base64url').toString());
    return isObject(parsed) ? { revision: textAt(parsed, 'revision'), after: textAt(parsed, 'after') } : undefined;
  } catch {
    return undefined;
  }
}
