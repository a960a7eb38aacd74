import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';

const status = z.object({ message: z.string().default(''), reason: z.string().default(''), code: z.int().default(0) });

/** What the API server said to a person. `warnings` are the `Warning:` lines kubectl would print. */
export type Reply =
  | { readonly ok: true; readonly object: unknown; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly code: number; readonly message: string };

/** One user of the cluster, with the credentials of their kubeconfig and nothing else. */
export interface Person {
  readonly name: string;
  create(path: string, object: object): Promise<Reply>;
  get(path: string): Promise<Reply>;
  patch(path: string, patch: object): Promise<Reply>;
  remove(path: string): Promise<Reply>;
}

/** `299 - "text"` (RFC 9110 section 5.6) as its text. */
const warningText = (header: string): string =>
  header
    .replace(/^299 \S+ "/, '')
    .replace(/"$/, '')
    .replaceAll('\\"', '"');

export function person(name: string, kubeConfig: KubeConfig): Person {
  async function ask(method: string, path: string, body?: object, contentType = 'application/json'): Promise<Reply> {
    const url = new URL(path, kubeConfig.getCurrentCluster()?.server);
    const options = {
      method,
      headers: { accept: 'application/json', 'content-type': contentType },
      agent: false,
    } as const;
    await kubeConfig.applyToHTTPSOptions(options);
    return new Promise<Reply>((resolve, reject) => {
      const asked = request(url, { ...options, agent: false }, (answer) => {
        const warnings = (answer.headersDistinct['warning'] ?? []).map(warningText);
        json(answer).then((object) => {
          const code = answer.statusCode ?? 0;
          resolve(
            code < 300 ? { ok: true, object, warnings } : { ok: false, code, message: status.parse(object).message },
          );
        }, reject);
      });
      asked.on('error', reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
  return {
    name,
    create: (path, object) => ask('POST', path, object),
    get: (path) => ask('GET', path),
    patch: (path, patch) => ask('PATCH', path, patch, 'application/merge-patch+json'),
    remove: (path) => ask('DELETE', path),
  };
}
