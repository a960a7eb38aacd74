import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { TLSSocket } from 'node:tls';
import { authenticate, type Credentials } from './authentication.ts';
import type { KeyPair } from './certificates.ts';
import type { Handler } from './handler.ts';
import type { ApiRequest, ApiResponse } from './request.ts';
import type { Services } from './services.ts';
import { ApiError, internalError } from './status.ts';
import { anonymousUser } from './user.ts';

/** The real server's limit of a request body. */
const bodyLimitBytes = 3 * 1024 * 1024;

/** An HTTPS server that asks for client certificates without insisting, in front of the handler. */
export function createHttpsServer(
  services: Services,
  handler: Handler,
  tls: KeyPair & { readonly clientCaPem: string },
): Server {
  const options = {
    cert: tls.certPem,
    key: tls.keyPem,
    ca: tls.clientCaPem,
    requestCert: true,
    rejectUnauthorized: false,
  };
  return createServer(options, (incoming, outgoing) => {
    respond(services, handler, incoming, outgoing).catch(() => outgoing.destroy());
  });
}

async function respond(
  services: Services,
  handler: Handler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const response = await answer(services, handler, incoming).catch(failure);
  switch (response.kind) {
    case 'text':
      outgoing.writeHead(response.code, { 'content-type': 'text/plain; charset=utf-8' }).end(response.body);
      return;
    case 'json':
      for (const warning of response.warnings) {
        outgoing.appendHeader('warning', `299 - ${JSON.stringify(warning)}`);
      }
      outgoing.writeHead(response.code, { 'content-type': 'application/json' }).end(JSON.stringify(response.body));
      return;
    case 'watch': {
      outgoing.writeHead(200, { 'content-type': 'application/json' });
      outgoing.flushHeaders();
      const stop = response.start(
        (line) => outgoing.write(line),
        () => outgoing.end(),
      );
      outgoing.on('close', stop);
    }
  }
}

async function answer(services: Services, handler: Handler, incoming: IncomingMessage): Promise<ApiResponse> {
  const socket = incoming.socket;
  const user =
    socket instanceof TLSSocket ? await authenticate(services, socket, credentialsOf(incoming)) : anonymousUser;
  const url = new URL(incoming.url ?? '/', 'https://server');
  const request: ApiRequest = {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    contentType: incoming.headers['content-type'] ?? '',
    userAgent: incoming.headers['user-agent'] ?? 'unknown',
    body: await readBody(incoming),
    user,
  };
  return handler(request);
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    if (!Buffer.isBuffer(chunk)) {
      throw new TypeError('a request is read in bytes');
    }
    size += chunk.length;
    if (size > bodyLimitBytes) {
      throw new ApiError(413, 'RequestEntityTooLarge', 'Request entity too large: limit is 3145728');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function credentialsOf(incoming: IncomingMessage): Credentials {
  const distinct = (name: string): readonly string[] => incoming.headersDistinct[name] ?? [];
  const prefix = 'impersonate-extra-';
  const extra = Object.keys(incoming.headers).filter((name) => name.startsWith(prefix));
  return {
    authorization: incoming.headers.authorization ?? '',
    impersonateUser: distinct('impersonate-user')[0] ?? '',
    impersonateUid: distinct('impersonate-uid')[0] ?? '',
    impersonateGroups: distinct('impersonate-group'),
    impersonateExtra: Object.fromEntries(
      extra.map((name) => [decodeURIComponent(name.slice(prefix.length)), distinct(name)]),
    ),
  };
}

function failure(error: unknown): ApiResponse {
  const known = error instanceof ApiError ? error : internalError('the request could not be read');
  return { kind: 'json', code: known.code, body: known.status, warnings: [] };
}
