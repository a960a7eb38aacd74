import type { TLSSocket } from 'node:tls';
import { certificateFingerprint } from './certificates.ts';
import { oids } from './der.ts';
import { isAllowed } from './rbac.ts';
import type { Services } from './services.ts';
import { forbidden, unauthorized } from './status.ts';
import { boundObjects } from './token-request.ts';
import { accountOf, anonymousUser, authenticatedUser, type User } from './user.ts';

/** The request headers that say who asks. */
export interface Credentials {
  readonly authorization: string;
  readonly impersonateUser: string;
  readonly impersonateUid: string;
  readonly impersonateGroups: readonly string[];
  readonly impersonateExtra: Readonly<Record<string, readonly string[]>>;
}

/**
 * Who asks: a client certificate of our client CA, else a bearer token of our issuer, else nobody (`system:anonymous`); a bad one of either is 401.
 * Impersonation is honoured for those RBAC lets impersonate.
 */
export async function authenticate(services: Services, socket: TLSSocket, credentials: Credentials): Promise<User> {
  const user = certificateUser(socket) ?? (await tokenUser(services, credentials.authorization)) ?? anonymousUser;
  return credentials.impersonateUser === '' ? user : impersonated(services, user, credentials);
}

function certificateUser(socket: TLSSocket): User | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) {
    return undefined;
  }
  if (!socket.authorized) {
    throw unauthorized();
  }
  const subject = certificate.subject
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  const values = (name: string): string[] =>
    subject.flatMap(([key, value]) => (key === name && value !== undefined ? [value] : []));
  return authenticatedUser({
    username: values('CN').at(-1) ?? '',
    groups: values('O'),
    uid: values(oids.userUid)[0] ?? '',
    extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${certificateFingerprint(certificate.raw)}`] },
  });
}

async function tokenUser(services: Services, authorization: string): Promise<User | undefined> {
  const [scheme, token] = authorization.split(' ');
  if (scheme?.toLowerCase() !== 'bearer' || token === undefined) {
    return undefined;
  }
  const verdict = await services.tokens.verify(token, [services.tokens.issuer], boundObjects(services));
  if (verdict.kind !== 'user') {
    throw unauthorized();
  }
  return verdict.user;
}

function impersonated(services: Services, user: User, credentials: Credentials): User {
  const { impersonateUser: name, impersonateGroups, impersonateUid, impersonateExtra } = credentials;
  const account = accountOf(name);
  const subject =
    account === undefined ? { plural: 'users', namespace: '', name } : { plural: 'serviceaccounts', ...account };
  mayImpersonate(services, user, { group: '', ...subject });
  for (const group of impersonateGroups) {
    mayImpersonate(services, user, { group: '', plural: 'groups', namespace: '', name: group });
  }
  const authentication = 'authentication.k8s.io';
  if (impersonateUid !== '') {
    mayImpersonate(services, user, { group: authentication, plural: 'uids', namespace: '', name: impersonateUid });
  }
  for (const [key, values] of Object.entries(impersonateExtra)) {
    for (const value of values) {
      mayImpersonate(services, user, {
        group: authentication,
        plural: `userextras/${key}`,
        namespace: '',
        name: value,
      });
    }
  }
  const accountGroups =
    account === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`];
  const groups = impersonateGroups.length === 0 ? accountGroups : impersonateGroups;
  return authenticatedUser({ username: name, uid: impersonateUid, groups, extra: impersonateExtra });
}

function mayImpersonate(
  services: Services,
  user: User,
  subject: { readonly group: string; readonly plural: string; readonly namespace: string; readonly name: string },
): void {
  const [resource = '', subresource = ''] = subject.plural.split('/');
  const { group, namespace, name } = subject;
  if (
    !isAllowed(services.rbac, user, {
      kind: 'resource',
      verb: 'impersonate',
      group,
      resource,
      subresource,
      namespace,
      name,
    })
  ) {
    const why = `User ${JSON.stringify(user.username)} cannot impersonate resource ${JSON.stringify(subject.plural)} in API group ${JSON.stringify(group)} at the cluster scope`;
    throw forbidden({ group, plural: resource }, name, why);
  }
}
