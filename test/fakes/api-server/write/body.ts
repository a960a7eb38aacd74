import { parse } from 'yaml';
import { isObject, type Json, type JsonObject, parseJson, requireJson, textAt, withAt } from '../json.ts';
import type { Exchange } from '../request.ts';
import { apiVersionOf } from '../resources.ts';
import { badRequest } from '../status.ts';

/** A body of JSON or YAML, by its content type. */
export function parseBody(exchange: Pick<Exchange, 'request'>): Json {
  const { body, contentType } = exchange.request;
  try {
    return contentType.includes('yaml') ? requireJson(parse(body)) : parseJson(body);
  } catch {
    throw badRequest(
      "the object provided is unrecognized (must be of type Json): couldn't get version/kind; json parse error",
    );
  }
}

/** The object a POST or PUT carries, of the kind and namespace of its path. */
export function objectOfBody(exchange: Exchange): JsonObject {
  return ofPath(exchange, parseBody(exchange));
}

/** An object held to the kind and namespace of the request's path, these filled in where it is silent. */
export function ofPath(exchange: Exchange, body: Json): JsonObject {
  const { resource } = exchange;
  if (!isObject(body)) {
    throw badRequest("the object provided is unrecognized (must be of type Json): couldn't get version/kind");
  }
  const [apiVersion, kind] = [apiVersionOf(resource), resource.kind];
  const isOther = (given: string, expected: string): boolean => given !== '' && given !== expected;
  if (isOther(textAt(body, 'apiVersion'), apiVersion) || isOther(textAt(body, 'kind'), kind)) {
    throw badRequest(
      `the API version in the data (${textAt(body, 'apiVersion')}, Kind=${textAt(body, 'kind')}) does not match the expected API version (${apiVersion}, Kind=${kind})`,
    );
  }
  return inNamespace(exchange, { ...body, kind, apiVersion });
}

function inNamespace(exchange: Exchange, object: JsonObject): JsonObject {
  const given = textAt(object, 'metadata', 'namespace');
  if (!exchange.resource.isNamespaced) {
    return withAt(object, ['metadata', 'namespace'], undefined);
  }
  if (given !== '' && given !== exchange.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  return withAt(object, ['metadata', 'namespace'], exchange.namespace);
}
