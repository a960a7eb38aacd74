import type { Handler } from './handler.ts';
import { isObject, type Json, type JsonObject, numberAt, textAt } from './json.ts';
import { ApiError, internalError } from './status.ts';
import type { User } from './user.ts';

/** The API without a socket, as one user: the same handler, authorization and admission that a request by HTTPS meets. Fails with `ApiError`. */
export interface Client {
  readonly user: User;
  get(path: string): Promise<JsonObject>;
  list(path: string): Promise<JsonObject>;
  create(path: string, body: JsonObject, query?: string): Promise<JsonObject>;
  replace(path: string, body: JsonObject): Promise<JsonObject>;
  patch(path: string, body: Json, contentType: string, query?: string): Promise<JsonObject>;
  remove(path: string, body?: JsonObject): Promise<JsonObject>;
}

/** `userAgent` names the field manager of what this client writes. */
export function createClient(handler: Handler, user: User, userAgent: string): Client {
  const call = async (
    method: string,
    target: string,
    body?: Json,
    contentType = 'application/json',
  ): Promise<JsonObject> => {
    const url = new URL(target, 'https://server');
    const response = await handler({
      method,
      path: url.pathname,
      query: url.searchParams,
      contentType,
      userAgent,
      body: body === undefined ? '' : JSON.stringify(body),
      user,
    });
    if (response.kind !== 'json' || !isObject(response.body)) {
      throw internalError('the answer is no object');
    }
    if (response.code >= 400) {
      throw errorOf(response.body);
    }
    return response.body;
  };
  const withQuery = (path: string, query: string | undefined): string =>
    query === undefined || query === '' ? path : `${path}?${query}`;
  return {
    user,
    get: (path) => call('GET', path),
    list: (path) => call('GET', path),
    create: (path, body, query) => call('POST', withQuery(path, query), body),
    replace: (path, body) => call('PUT', path, body),
    patch: (path, body, contentType, query) => call('PATCH', withQuery(path, query), body, contentType),
    remove: (path, body) => call('DELETE', path, body),
  };
}

function errorOf(status: JsonObject): ApiError {
  const details = status['details'];
  return new ApiError(
    numberAt(status, 'code') ?? 500,
    textAt(status, 'reason'),
    textAt(status, 'message'),
    isObject(details) ? details : undefined,
  );
}
