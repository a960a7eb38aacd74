import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { ClusterFailure } from './cluster-failure.ts';

/** Longest answer, and longest watch event, in bytes and in UTF-16 units. */
const longestAnswer = 64 * 1024 * 1024;
/** Idle connections are given up before a server (Go: 90 s) would close them under a request. */
const idleSocketMs = 60_000;

/** One request as it is sent. `timeoutMs` bounds every silence, connecting included. */
export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Sends a request; gives the answer once its head is there, or rejects with `ClusterFailure`. */
export type SendToCluster = (ask: Ask) => Promise<IncomingMessage>;

/** Requests with the kubeconfig's TLS material on keep-alive connections, and its credentials anew for each. */
export function clusterSender(kubeConfig: KubeConfig): SendToCluster {
  const server = new URL(kubeConfig.getCurrentCluster()?.server ?? 'https://kubernetes.default.svc');
  const host = server.hostname.replace(/^\[|\]$/g, '');
  const port = server.port === '' ? 443 : Number(server.port);
  const prefix = server.pathname.replace(/\/$/, '');
  const agentOf = agentKeeper();
  return async (ask) => {
    const options = await credentials(kubeConfig);
    const { method, path, contentType, body, timeoutMs, signal } = ask;
    const asked = request({
      host,
      port,
      method,
      path: prefix + path,
      agent: agentOf(options),
      timeout: timeoutMs,
      headers: {
        ...headersOf(options),
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }),
      },
      ...(signal === undefined ? {} : { signal }),
    });
    return answerTo(asked, body, `${method} ${path}`);
  };
}

/** Files and helpers of a kubeconfig may fail to give what they should. */
async function credentials(kubeConfig: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = { headers: {} };
  try {
    await kubeConfig.applyToHTTPSOptions(options);
    return options;
  } catch (cause) {
    throw new ClusterFailure('unavailable', 'the credentials for the API server could not be read', 0, { cause });
  }
}

/** One agent as long as the TLS material stays the same: the CA file of a pod is replaced under it. */
function agentKeeper(): (options: RequestOptions) => Agent {
  let kept: { readonly material: string; readonly agent: Agent } | undefined;
  return ({ ca, cert, key, rejectUnauthorized, servername }) => {
    const material = JSON.stringify([ca, cert, key, rejectUnauthorized, servername]);
    if (kept?.material !== material) {
      const tls = { ca, cert, key, rejectUnauthorized, ...(servername === undefined ? {} : { servername }) };
      kept = { material, agent: new Agent({ keepAlive: true, timeout: idleSocketMs, ...tls }) };
    }
    return kept.agent;
  };
}

function answerTo(asked: ClientRequest, body: string | undefined, what: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked.on('response', resolve);
    asked.on('timeout', () => asked.destroy(new ClusterFailure('timeout', `no answer to ${what}`, 0)));
    asked.on('error', (cause) =>
      reject(
        cause instanceof ClusterFailure
          ? cause
          : new ClusterFailure('unavailable', `${what}: ${cause.message}`, 0, { cause }),
      ),
    );
    asked.end(body);
  });
}

/** The headers the kubeconfig's credentials come to. */
function headersOf({ headers }: RequestOptions): Record<string, string> {
  const isPlain = headers !== undefined && !Array.isArray(headers);
  return Object.fromEntries(
    Object.entries(isPlain ? headers : {}).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value]] : [],
    ),
  );
}

/** The whole body. Rejects with `ClusterFailure` when it breaks off or is too long. */
export async function readAll(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      size += bytes.length;
      if (size > longestAnswer) {
        answer.destroy();
        throw new ClusterFailure('malformed', 'an answer of more than 64 MiB', answer.statusCode ?? 0);
      }
      chunks.push(bytes);
    }
  } catch (cause) {
    throw cause instanceof ClusterFailure
      ? cause
      : new ClusterFailure('unavailable', 'the answer broke off', answer.statusCode ?? 0, { cause });
  }
  return Buffer.concat(chunks);
}

/** The lines of an answer as they come; what the stream breaks with is `unavailable`, what the reader throws passes. */
export async function* linesOf(answer: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  answer.setEncoding('utf8');
  try {
    for await (const chunk of answer) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > longestAnswer) {
        throw new ClusterFailure('malformed', 'a watch event of more than 64 MiB', 200);
      }
      yield* lines;
    }
    yield rest;
  } catch (cause) {
    throw cause instanceof ClusterFailure
      ? cause
      : new ClusterFailure('unavailable', 'the watch broke off', 200, { cause });
  } finally {
    answer.destroy();
  }
}
