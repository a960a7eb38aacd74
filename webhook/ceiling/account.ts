/** A service account. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** `system:serviceaccount:<namespace>:<name>` as its parts: exactly four, none empty (AR-29). */
export function accountOfUsername(username: string): Account | undefined {
  const [system, kind, namespace = '', name = '', ...rest] = username.split(':');
  const isAccount =
    system === 'system' && kind === 'serviceaccount' && namespace !== '' && name !== '' && rest.length === 0;
  return isAccount ? { namespace, name } : undefined;
}
