import type { IncomingMessage } from 'node:http';
import { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { ClusterFailure, codeOfStatus } from './cluster-failure.ts';
import { clusterSender, linesOf, readAll } from './cluster-transport.ts';

/** Where a pod finds its API server: the projected directory with `token` and `ca.crt`, and the address from the pod's environment. */
export interface InClusterSource {
  readonly serviceAccountDir: string;
  readonly host: string;
  readonly port: number;
}

/** The kubeconfig of a pod's own account. The token file is read again as the kubelet rotates it. */
export function loadCluster({ serviceAccountDir, host, port }: InClusterSource): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromOptions({
    clusters: [
      {
        name: 'cluster',
        server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
        caFile: `${serviceAccountDir}/ca.crt`,
        skipTLSVerify: false,
      },
    ],
    users: [
      { name: 'account', authProvider: { name: 'tokenFile', config: { tokenFile: `${serviceAccountDir}/token` } } },
    ],
    contexts: [{ name: 'in-cluster', cluster: 'cluster', user: 'account' }],
    currentContext: 'in-cluster',
  });
  return kubeConfig;
}

/** A page or the whole of a list. Items are as they came: parse before use. */
export interface ObjectList {
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

export interface WatchEvent {
  readonly type: WatchEventType;
  readonly object: unknown;
}

export type PatchType =
  | 'application/json-patch+json'
  | 'application/merge-patch+json'
  | 'application/strategic-merge-patch+json'
  | 'application/apply-patch+yaml';

export type Query = Readonly<Record<string, string>>;

/** Where a watch begins, and when it ends. `timeoutSeconds`: 300 when left out. */
export interface WatchFrom {
  readonly resourceVersion: string;
  readonly signal: AbortSignal;
  readonly timeoutSeconds?: number;
}

/**
 * The API server as plain JSON over paths. Every method fails with `ClusterFailure`. Nothing is retried here.
 *
 * `list` follows pages of 500 and gives the resource version to watch from; `watch` calls back per event until the server ends the stream, as it is asked to
 * after `timeoutSeconds`, the signal aborts (both resolve) or it breaks (rejects); what `onEvent` throws ends it and passes.
 */
export interface ClusterApi {
  get(path: string): Promise<unknown>;
  list(path: string): Promise<ObjectList>;
  create(path: string, body: object, query?: Query): Promise<unknown>;
  replace(path: string, body: object, query?: Query): Promise<unknown>;
  patch(path: string, body: object, type: PatchType, query?: Query): Promise<unknown>;
  remove(path: string, body?: object): Promise<unknown>;
  watch(path: string, from: WatchFrom, onEvent: (event: WatchEvent) => void): Promise<void>;
}

const pageSize = 500;
const watchSeconds = 300;
/** A watch this long past its own end is a connection that died without a word. */
const watchGraceSeconds = 30;

const statusSchema = z.object({ message: z.string().default(''), reason: z.string().default('') });
const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string().default(''), continue: z.string().optional() }),
  items: z.array(z.unknown()).nullable(),
});
const eventSchema = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.unknown(),
});

/** The API of the kubeconfig's current cluster, as its current user. `timeoutMs` bounds every silence of the server, connecting included, but a watch's. */
export function clusterApi(kubeConfig: KubeConfig, { timeoutMs }: { readonly timeoutMs: number }): ClusterApi {
  const send = clusterSender(kubeConfig);

  async function ask(method: string, path: string, body?: object, type = 'application/json'): Promise<unknown> {
    const answer = await send({
      method,
      path,
      timeoutMs,
      contentType: type,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const bytes = await readAll(answer);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) {
      return parseJson(bytes, status);
    }
    throw failureOf(status, bytes, answer);
  }

  async function list(path: string): Promise<ObjectList> {
    const items: unknown[] = [];
    let next: string | undefined;
    for (;;) {
      const query: Query = {
        limit: String(pageSize),
        ...(next === undefined || next === '' ? {} : { continue: next }),
      };
      const page = listSchema.safeParse(await ask('GET', withQuery(path, query)));
      if (!page.success) {
        throw new ClusterFailure('malformed', `no list at ${path}`, 200);
      }
      items.push(...(page.data.items ?? []));
      next = page.data.metadata.continue;
      if (next === undefined || next === '') {
        return { items, resourceVersion: page.data.metadata.resourceVersion };
      }
    }
  }

  return {
    get: (path) => ask('GET', path),
    list,
    create: (path, body, query = {}) => ask('POST', withQuery(path, query), body),
    replace: (path, body, query = {}) => ask('PUT', withQuery(path, query), body),
    patch: (path, body, type, query = {}) => ask('PATCH', withQuery(path, query), body, type),
    remove: (path, body) => ask('DELETE', path, body),
    async watch(path, { resourceVersion, signal, timeoutSeconds = watchSeconds }, onEvent) {
      const query = {
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion,
        timeoutSeconds: String(timeoutSeconds),
      };
      const patienceMs = (timeoutSeconds + watchGraceSeconds) * 1_000;
      try {
        const asked = { method: 'GET', path: withQuery(path, query), contentType: 'application/json' };
        const answer = await send({ ...asked, timeoutMs: patienceMs, signal });
        if (answer.statusCode !== 200) {
          throw failureOf(answer.statusCode ?? 0, await readAll(answer), answer);
        }
        await readEvents(answer, signal, onEvent);
      } catch (error) {
        if (!signal.aborted) {
          throw error;
        }
      }
    },
  };
}

function withQuery(path: string, query: Query): string {
  const text = new URLSearchParams(query).toString();
  return text === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${text}`;
}

function parseJson(bytes: Buffer, status: number): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new ClusterFailure('malformed', 'an answer that is no JSON', status, { cause });
  }
}

function failureOf(status: number, bytes: Buffer, answer: IncomingMessage): ClusterFailure {
  const said = statusSchema.safeParse(safeJson(bytes)).data ?? { message: '', reason: '' };
  const wait = Number(answer.headers['retry-after']);
  return new ClusterFailure(
    codeOfStatus(status, said.reason),
    said.message === '' ? `status ${status}` : said.message,
    status,
    Number.isFinite(wait) ? { retryAfterSeconds: wait } : {},
  );
}

function safeJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return {};
  }
}

async function readEvents(
  answer: IncomingMessage,
  signal: AbortSignal,
  onEvent: (event: WatchEvent) => void,
): Promise<void> {
  for await (const line of linesOf(answer)) {
    const event = line === '' ? undefined : eventSchema.safeParse(safeJson(Buffer.from(line)));
    if (event?.success === false) {
      throw new ClusterFailure('malformed', 'a watch event of no known form', 200);
    }
    if (event !== undefined && !signal.aborted) {
      onEvent({ type: event.data.type, object: event.data.object });
    }
  }
}
