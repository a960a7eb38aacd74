import { type Clock, every } from '../../../runtime/clock.ts';
import { type Json, type JsonObject, textAt } from './json.ts';
import type { Exchange, WatchStart } from './request.ts';
import { apiVersionOf, type Resource } from './resources.ts';
import { parseFieldSelector, parseLabelSelector, type Selector } from './selectors.ts';
import { expired, qualified } from './status.ts';
import type { Store, StoredEvent } from './storage.ts';

/** Bookmarks come this often to watches that allow them; the real server sends about one a minute. */
const bookmarkMs = 5_000;

/** The selector of a request's query: namespace, labels and fields together. */
export function selectorOf(exchange: Pick<Exchange, 'request' | 'namespace' | 'name'>): Selector {
  const labels = parseLabelSelector(exchange.request.query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(exchange.request.query.get('fieldSelector') ?? '');
  return (object) =>
    (exchange.namespace === '' || textAt(object, 'metadata', 'namespace') === exchange.namespace) &&
    (exchange.name === '' || textAt(object, 'metadata', 'name') === exchange.name) &&
    labels(object) &&
    fields(object);
}

/**
 * A watch from the `resourceVersion` of the query: what happened since, then what happens. Without one, or from `0`, the present state comes first as
 * ADDED. An object that begins or ceases to match the selectors is ADDED or DELETED. A revision that is forgotten gives one ERROR line with the 410.
 */
export function watchOf(exchange: Exchange, store: Store, clock: Clock): WatchStart {
  const { resource, request } = exchange;
  const selector = selectorOf(exchange);
  const from = request.query.get('resourceVersion') ?? '';
  const seconds = Number(request.query.get('timeoutSeconds') ?? '1800');
  const withBookmarks = ['1', 'true'].includes(request.query.get('allowWatchBookmarks') ?? '');

  return (write, end) => {
    const send = (type: string, object: Json): void => write(`${JSON.stringify({ type, object })}\n`);
    const deliver = (event: StoredEvent): void => {
      const seen = event.resource === qualified(resource) ? asSeen(event, selector) : undefined;
      if (seen !== undefined) {
        send(seen, event.object);
      }
    };
    const replayed = replay(store, resource, selector, from);
    if (replayed === undefined) {
      send('ERROR', expired(`too old resource version: ${from} (${store.oldest()})`).status);
      end();
      return () => {};
    }
    for (const object of replayed.added) {
      send('ADDED', object);
    }
    for (const event of replayed.events) {
      deliver(event);
    }
    const bookmark = (): void => send('BOOKMARK', bookmarkOf(resource, store.revision()));
    const cancels = [
      store.subscribe(deliver),
      ...(withBookmarks ? [every(clock, bookmarkMs, bookmark, { unref: true })] : []),
      clock.after(
        Math.max(1, seconds) * 1000,
        () => {
          if (withBookmarks) {
            bookmark();
          }
          end();
        },
        { unref: true },
      ),
    ];
    return () => {
      for (const cancel of cancels) {
        cancel();
      }
    };
  };
}

function replay(
  store: Store,
  resource: Resource,
  selector: Selector,
  from: string,
): { readonly added: readonly JsonObject[]; readonly events: readonly StoredEvent[] } | undefined {
  if (from === '' || from === '0') {
    return { added: store.list(resource).filter(selector), events: [] };
  }
  const events = store.since(Number(from));
  return events === undefined ? undefined : { added: [], events };
}

function asSeen(event: StoredEvent, selector: Selector): StoredEvent['type'] | undefined {
  const isIn = event.type !== 'DELETED' && selector(event.object);
  const wasIn = event.previous !== undefined && selector(event.previous);
  if (isIn) {
    return wasIn ? 'MODIFIED' : 'ADDED';
  }
  return wasIn ? 'DELETED' : undefined;
}

function bookmarkOf(resource: Resource, revision: number): JsonObject {
  return {
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    metadata: { resourceVersion: String(revision), creationTimestamp: null },
  };
}
