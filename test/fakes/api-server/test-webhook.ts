import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { systemClock } from '../../../runtime/clock.ts';
import { systemRandom } from '../../../runtime/random.ts';
import { createCertificateAuthority } from './certificates.ts';
import { isObject, type JsonObject, objectAt, parseJson, textAt } from './json.ts';

/** One review as it reached a webhook. */
export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly request: JsonObject;
}

/** What a webhook answers: the `response` without its uid, or a whole body of another status. */
export type Answer = JsonObject | { readonly status: number; readonly text: string };

/** A webhook with real TLS of its own CA, reached by URL or, through a Service, as `hooks.default.svc`. */
export interface TestWebhook {
  readonly port: number;
  /** For `clientConfig.caBundle`. */
  readonly caBundle: string;
  readonly received: readonly Received[];
  stop(): Promise<void>;
}

/** `answer`: the response for a review, by path. `silence` never answers. */
export async function startTestWebhook(
  answer: (path: string, request: JsonObject) => Answer | 'silence',
): Promise<TestWebhook> {
  const authority = createCertificateAuthority('hooks', systemClock.now(), systemRandom);
  const { certPem, keyPem } = authority.issueServer(['hooks.default.svc', '127.0.0.1']);
  const received: Received[] = [];
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const request = objectAt(parseJson(await text(incoming)), 'request');
    const path = incoming.url ?? '';
    received.push({ path, headers: incoming.headers, request });
    const given = answer(path.split('?')[0] ?? '', request);
    if (given !== 'silence') {
      send(outgoing, textAt(request, 'uid'), given);
    }
  };
  const server = createServer({ cert: certPem, key: keyPem }, (incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    caBundle: Buffer.from(authority.caPem).toString('base64'),
    received,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** An answer that patches. */
export function patching(...operations: readonly JsonObject[]): JsonObject {
  return { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') };
}

function send(outgoing: ServerResponse, uid: string, given: Answer): void {
  if (typeof given['text'] === 'string' && typeof given['status'] === 'number') {
    outgoing.writeHead(given['status']).end(given['text']);
    return;
  }
  const response = { uid, ...(isObject(given) ? given : {}) };
  const body = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
  outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
