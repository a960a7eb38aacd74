/** Who asks, as authenticated: the user info of reviews and of AdmissionReviews. */
export interface User {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export const authenticatedGroup = 'system:authenticated';

/** A user with the group every authenticated one has; no uid and no extra unless given. */
export function authenticatedUser(user: {
  username: string;
  uid?: string;
  groups?: readonly string[];
  extra?: User['extra'];
}): User {
  const groups = user.groups ?? [];
  return {
    username: user.username,
    uid: user.uid ?? '',
    groups: groups.includes(authenticatedGroup) ? groups : [...groups, authenticatedGroup],
    extra: user.extra ?? {},
  };
}

export const anonymousUser: User = {
  username: 'system:anonymous',
  uid: '',
  groups: ['system:unauthenticated'],
  extra: {},
};

/** The account as its token would make it. */
export function serviceAccountUser(account: {
  namespace: string;
  name: string;
  uid: string;
  extra?: User['extra'];
}): User {
  return authenticatedUser({
    username: `system:serviceaccount:${account.namespace}:${account.name}`,
    uid: account.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`],
    ...(account.extra === undefined ? {} : { extra: account.extra }),
  });
}

/** Namespace and name of an account's username, if it is one. */
export function accountOf(username: string): { readonly namespace: string; readonly name: string } | undefined {
  const [system, kind, namespace, name, ...more] = username.split(':');
  const isAccount = system === 'system' && kind === 'serviceaccount' && more.length === 0;
  return isAccount && namespace !== undefined && name !== undefined ? { namespace, name } : undefined;
}

/** The user info of a review, with absent members where the real one omits them. */
export function userInfo(user: User): {
  username: string;
  uid?: string;
  groups?: readonly string[];
  extra?: Readonly<Record<string, readonly string[]>>;
} {
  return {
    username: user.username,
    ...(user.uid === '' ? {} : { uid: user.uid }),
    ...(user.groups.length === 0 ? {} : { groups: user.groups }),
    ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
  };
}
