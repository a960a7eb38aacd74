import type { Attributes } from './rbac.ts';
import { ApiError, forbidden } from './status.ts';
import type { User } from './user.ts';

/** The 403 of a request that RBAC does not allow, worded as the real server words it. */
export function forbiddenText(user: User, attributes: Attributes): ApiError {
  if (attributes.kind === 'path') {
    const message = `forbidden: User ${JSON.stringify(user.username)} cannot ${attributes.verb} path ${JSON.stringify(attributes.path)}`;
    return new ApiError(403, 'Forbidden', message, {});
  }
  const { verb, group, resource, subresource, namespace, name } = attributes;
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  const why = `User ${JSON.stringify(user.username)} cannot ${verb} resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${where}`;
  return forbidden({ group, plural: resource }, name, why);
}
