import type { IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import { gunzipSync } from 'node:zlib';
import type { Clock } from '../../../../runtime/clock.ts';
import { type Json, type JsonObject, parseJson } from '../json.ts';
import type { Endpoint } from './endpoint.ts';

/** Sends reviews over kept connections, one pool per endpoint and CA. */
export interface WebhookClient {
  /** The parsed body of a 200 answer. Throws `Error` worded as Go's client words it. */
  post(endpoint: Endpoint, review: JsonObject, timeoutSeconds: number): Promise<Json>;
  close(): void;
}

/** As much of an answer as is read. */
const answerLimitBytes = 16 * 1024 * 1024;

export function createWebhookClient(clock: Clock): WebhookClient {
  const agents = new Map<string, Agent>();
  const agentOf = (endpoint: Endpoint): Agent => {
    const key = JSON.stringify([endpoint.address, endpoint.port, endpoint.serverName, endpoint.caPem]);
    const agent = agents.get(key) ?? new Agent({ keepAlive: true, maxSockets: 64 });
    agents.set(key, agent);
    return agent;
  };
  return {
    post: async (endpoint, review, timeoutSeconds) => {
      const url = new URL(endpoint.url);
      url.searchParams.set('timeout', `${timeoutSeconds}s`);
      const body = JSON.stringify(review);
      const options = requestOptions(endpoint, url, agentOf(endpoint), body);
      const answer = await withTimeout(clock, timeoutSeconds, (signal) => send(options, body, signal)).catch(
        (error: unknown) => {
          throw new Error(`Post ${JSON.stringify(shown(endpoint, url))}: ${reasonOf(endpoint, error)}`, {
            cause: error,
          });
        },
      );
      if (answer.code !== 200) {
        throw new Error(
          `an error on the server (${JSON.stringify(answer.body.trim().slice(0, 256))}) has prevented the request from succeeding`,
        );
      }
      return parseJson(answer.body);
    },
    close: () => {
      for (const agent of agents.values()) {
        agent.destroy();
      }
    },
  };
}

/** A URL drops its default port; the real server prints it. */
function shown(endpoint: Endpoint, url: URL): string {
  return url.port === '' && endpoint.url.hostname.endsWith('.svc')
    ? url.href.replace(url.host, `${url.host}:443`)
    : url.href;
}

function requestOptions(endpoint: Endpoint, url: URL, agent: Agent, body: string): RequestOptions {
  return {
    agent,
    method: 'POST',
    host: endpoint.address,
    port: endpoint.port,
    path: `${url.pathname}${url.search}`,
    servername: /^[\d.:[\]]+$/.test(endpoint.serverName) ? '' : endpoint.serverName,
    ...(endpoint.caPem === undefined ? {} : { ca: endpoint.caPem }),
    headers: {
      host: endpoint.url.port === '' ? `${endpoint.serverName}:443` : `${endpoint.serverName}:${endpoint.url.port}`,
      'user-agent': 'kube-apiserver-admission',
      accept: 'application/json, */*',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'accept-encoding': 'gzip',
    },
  };
}

interface Answer {
  readonly code: number;
  readonly body: string;
}

async function send(options: RequestOptions, body: string, signal: AbortSignal): Promise<Answer> {
  try {
    return await attempt(options, body, signal);
  } catch (error) {
    // A kept connection may have been closed by the other side just now; Go tries those once more too.
    if (error instanceof StaleConnection) {
      return attempt(options, body, signal);
    }
    throw error;
  }
}

class StaleConnection extends Error {}

function attempt(options: RequestOptions, body: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...options, signal }, (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > answerLimitBytes) {
          incoming.destroy(new Error('http: request body too large'));
        }
      });
      incoming.on('error', reject);
      incoming.on('end', () => {
        try {
          resolve({ code: incoming.statusCode ?? 0, body: decoded(incoming, Buffer.concat(chunks)) });
        } catch (error) {
          reject(error instanceof Error ? error : new Error('gzip: invalid data'));
        }
      });
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      reject(outgoing.reusedSocket && error.code === 'ECONNRESET' ? new StaleConnection(error.message) : error),
    );
    outgoing.end(body);
  });
}

function decoded(incoming: IncomingMessage, bytes: Buffer): string {
  const isZipped = incoming.headers['content-encoding'] === 'gzip';
  return (isZipped ? gunzipSync(bytes, { maxOutputLength: answerLimitBytes }) : bytes).toString();
}

async function withTimeout<T>(clock: Clock, seconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const cancel = clock.after(seconds * 1000, () => controller.abort(), { unref: true });
  try {
    return await work(controller.signal);
  } finally {
    cancel();
  }
}

function reasonOf(endpoint: Endpoint, error: unknown): string {
  const { name, code, message } = describe(error);
  if (name === 'AbortError') {
    return 'context deadline exceeded';
  }
  if (code === 'ECONNREFUSED') {
    return `dial tcp ${endpoint.address}:${endpoint.port}: connect: connection refused`;
  }
  const isTls =
    code.includes('CERT') ||
    code.includes('SIGNATURE') ||
    code.includes('ISSUER') ||
    code === 'ERR_TLS_CERT_ALTNAME_INVALID';
  return isTls ? `tls: failed to verify certificate: x509: ${message}` : message === '' ? 'EOF' : message;
}

function describe(error: unknown): { readonly name: string; readonly code: string; readonly message: string } {
  if (!(error instanceof Error)) {
    return { name: '', code: '', message: 'unknown' };
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return { name: error.name, code, message: error.message };
}
