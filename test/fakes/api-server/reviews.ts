import { type Json, type JsonObject, objectAt, requireJson, textAt, textsAt } from './json.ts';
import { type Attributes, isAllowed } from './rbac.ts';
import type { ApiResponse, Exchange } from './request.ts';
import type { Services } from './services.ts';
import { badRequest } from './status.ts';
import { boundObjects } from './token-request.ts';
import { type User, userInfo } from './user.ts';
import { objectOfBody } from './write/body.ts';

/** The kinds that are answered and not stored: access reviews from RBAC, token reviews from the issuer, and who one is. */
export async function review(services: Services, exchange: Exchange): Promise<ApiResponse> {
  const body = objectOfBody(exchange);
  const status = await statusOf(services, exchange, body);
  return { kind: 'json', code: 201, body: { ...body, metadata: objectAt(body, 'metadata'), status }, warnings: [] };
}

async function statusOf(services: Services, exchange: Exchange, body: JsonObject): Promise<JsonObject> {
  switch (exchange.resource.kind) {
    case 'TokenReview':
      return reviewToken(services, body);
    case 'SelfSubjectReview':
      return { userInfo: requireJson(userInfo(exchange.user)) };
    case 'SelfSubjectAccessReview':
      return reviewAccess(services, exchange.user, body);
    default:
      return reviewAccess(services, namedUser(body), body);
  }
}

function reviewAccess(services: Services, user: User, body: JsonObject): JsonObject {
  return isAllowed(services.rbac, user, attributesOfReview(body))
    ? { allowed: true, reason: 'RBAC: allowed' }
    : { allowed: false };
}

function namedUser(body: JsonObject): User {
  const spec = objectAt(body, 'spec');
  if (textAt(spec, 'user') === '' && textsAt(spec, 'groups').length === 0) {
    throw badRequest('spec.user: Required value: at least one of user or group must be specified');
  }
  return { username: textAt(spec, 'user'), uid: textAt(spec, 'uid'), groups: textsAt(spec, 'groups'), extra: {} };
}

function attributesOfReview(body: JsonObject): Attributes {
  const spec = objectAt(body, 'spec');
  if (spec['nonResourceAttributes'] !== undefined) {
    const path = objectAt(spec, 'nonResourceAttributes');
    return { kind: 'path', verb: textAt(path, 'verb'), path: textAt(path, 'path') };
  }
  if (spec['resourceAttributes'] === undefined) {
    throw badRequest(
      'spec.resourceAttributes: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    );
  }
  const resource = objectAt(spec, 'resourceAttributes');
  return {
    kind: 'resource',
    verb: textAt(resource, 'verb'),
    group: textAt(resource, 'group'),
    resource: textAt(resource, 'resource'),
    subresource: textAt(resource, 'subresource'),
    namespace: textAt(resource, 'namespace'),
    name: textAt(resource, 'name'),
  };
}

async function reviewToken(services: Services, body: JsonObject): Promise<JsonObject> {
  const asked = textsAt(body, 'spec', 'audiences');
  const audiences = asked.length === 0 ? [services.tokens.issuer] : asked;
  const verdict = await services.tokens.verify(textAt(body, 'spec', 'token'), audiences, boundObjects(services));
  switch (verdict.kind) {
    case 'none':
      return { user: {} };
    case 'refused':
      return { error: verdict.error, user: {} };
    case 'user': {
      const user: Json = requireJson(userInfo(verdict.user));
      return { audiences: verdict.audiences, authenticated: true, user };
    }
  }
}
