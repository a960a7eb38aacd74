/** A service account. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** A DNS label, of which the names of namespaces and accounts consist. */
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** `system:serviceaccount:<namespace>:<name>` as its parts: exactly four, both names valid, else it is no account (AR-29). */
export function accountOfUsername(username: string): Account | undefined {
  const [system, kind, namespace = '', name = '', ...rest] = username.split(':');
  const isAccount = system === 'system' && kind === 'serviceaccount' && rest.length === 0;
  const isNamed = label.test(namespace) && name.split('.').every((part) => label.test(part));
  return isAccount && isNamed ? { namespace, name } : undefined;
}
