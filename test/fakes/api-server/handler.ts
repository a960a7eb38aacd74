import { forbiddenText } from './authorization.ts';
import { discoveryAt, versionInfo } from './discovery.ts';
import { isAllowed } from './rbac.ts';
import { read } from './read.ts';
import { type ApiRequest, type ApiResponse, attributesOf, type Exchange, exchangeOf, parseTarget } from './request.ts';
import { review } from './reviews.ts';
import type { Services } from './services.ts';
import { ApiError, internalError, methodNotAllowed, noSuchResource } from './status.ts';
import { requestToken } from './token-request.ts';
import { create } from './write/create.ts';
import { remove, removeCollection } from './write/delete.ts';
import { patch } from './write/patch.ts';
import { bind, readScale, writeScale } from './write/subresources.ts';
import { replace } from './write/update.ts';

/** Answers an authenticated request; never throws. `observe` hears of each write, with its audit annotations. */
export type Handler = (request: ApiRequest) => Promise<ApiResponse>;

/** One line of the fake's audit log. */
export interface AuditRecord {
  readonly at: Date;
  readonly username: string;
  readonly verb: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly code: number;
  /** Those of webhooks among them, as `<webhook>/<key>`. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** The whole API over these services, by the order of the real one: authorize, find what is served, then do it. */
export function createHandler(services: Services, record: (entry: AuditRecord) => void): Handler {
  return async (request) => {
    const gathered: { exchange?: Exchange } = {};
    const response = await answer(services, request, gathered).catch((error: unknown) =>
      errorResponse(error, gathered.exchange?.warnings ?? []),
    );
    if (gathered.exchange !== undefined && request.method !== 'GET') {
      record(auditRecord(services, gathered.exchange, response));
    }
    return response;
  };
}

async function answer(
  services: Services,
  request: ApiRequest,
  gathered: { exchange?: Exchange },
): Promise<ApiResponse> {
  const target = parseTarget(request.path);
  const attributes = attributesOf(
    request,
    discoveryAt(request.path, services.registry) === undefined ? target : undefined,
  );
  if (!isAllowed(services.rbac, request.user, attributes)) {
    throw forbiddenText(request.user, attributes);
  }
  if (attributes.kind === 'path' || target === undefined) {
    return document(services, request.path);
  }
  const exchange = exchangeOf(request, target, services.registry);
  if (exchange === undefined) {
    throw noSuchResource();
  }
  gathered.exchange = exchange;
  return serve(services, exchange);
}

async function document(services: Services, path: string): Promise<ApiResponse> {
  const discovery = discoveryAt(path, services.registry);
  if (discovery !== undefined) {
    return { kind: 'json', code: 200, body: discovery, warnings: [] };
  }
  switch (path) {
    case '/version':
      return { kind: 'json', code: 200, body: versionInfo, warnings: [] };
    case '/healthz':
    case '/livez':
    case '/readyz':
      return { kind: 'text', code: 200, body: 'ok' };
    case '/openid/v1/jwks':
      return { kind: 'json', code: 200, body: await services.tokens.keys(), warnings: [] };
    case '/.well-known/openid-configuration':
      return { kind: 'json', code: 200, body: openIdConfiguration(services.tokens.issuer), warnings: [] };
    default:
      throw noSuchResource();
  }
}

function serve(services: Services, exchange: Exchange): Promise<ApiResponse> | ApiResponse {
  const { resource, subresource, request, name } = exchange;
  if (!resource.isStored) {
    return request.method === 'POST' ? review(services, exchange) : notAllowed();
  }
  if (subresource === 'scale') {
    return request.method === 'GET' ? readScale(services, exchange) : writeScale(services, exchange);
  }
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return read(exchange, services.store, services.clock);
    case 'POST':
      return post(services, exchange);
    case 'PUT':
      return name === '' ? notAllowed() : replace(services, exchange);
    case 'PATCH':
      return name === '' ? notAllowed() : patch(services, exchange);
    case 'DELETE':
      return name === '' ? removeCollection(services, exchange) : remove(services, exchange);
    default:
      return notAllowed();
  }
}

function post(services: Services, exchange: Exchange): Promise<ApiResponse> {
  switch (exchange.subresource) {
    case '':
      return exchange.name === '' ? create(services, exchange) : notAllowed();
    case 'token':
      return requestToken(services, exchange);
    case 'binding':
      return bind(services, exchange);
    default:
      return notAllowed();
  }
}

function notAllowed(): Promise<never> {
  return Promise.reject(methodNotAllowed());
}

function errorResponse(error: unknown, warnings: readonly string[]): ApiResponse {
  const known = error instanceof ApiError ? error : internalError(error instanceof Error ? error.message : 'unknown');
  return { kind: 'json', code: known.code, body: known.status, warnings };
}

function openIdConfiguration(issuer: string): Record<string, string | string[]> {
  return {
    issuer,
    jwks_uri: `${issuer}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}

function auditRecord(services: Services, exchange: Exchange, response: ApiResponse): AuditRecord {
  const { request, user, plural, group, subresource, namespace, name, annotations } = exchange;
  return {
    at: services.clock.now(),
    username: user.username,
    verb: request.method.toLowerCase(),
    resource: group === '' ? plural : `${plural}.${group}`,
    subresource,
    namespace,
    name,
    code: response.kind === 'watch' ? 200 : response.code,
    annotations: Object.fromEntries(annotations),
  };
}
