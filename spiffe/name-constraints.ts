/*
 * Name constraints of signing certificates (RFC 5280, 4.2.1.10): we set none but honour those of others. URI hosts and DNS names
 * are judged; a constraint on names of another form refuses every certificate that carries such a name.
 */

import type { Certificate } from './certificate.ts';
import type { NameConstraints, Subtree } from './certificate-extensions.ts';
import { constructedTag, primitiveTag } from './der-tags.ts';

const dnsTag = primitiveTag(2);
const directoryNameTag = constructedTag(4);

type Form = 'uri' | 'dns';

/** Why the names of the certificate break the constraints, as a sentence; undefined when they keep to them. */
export function findConstraintViolation(constraints: NameConstraints, certificate: Certificate): string | undefined {
  return (
    findUnjudgeable(constraints, certificate) ??
    findOutside('uri', certificate.uris.map(hostOfUri), constraints) ??
    findOutside('dns', dnsNamesOf(certificate), constraints)
  );
}

function findUnjudgeable({ permitted, excluded }: NameConstraints, certificate: Certificate): string | undefined {
  const tags = new Set([...permitted, ...excluded].flatMap((tree) => (tree.form === 'other' ? [tree.tag] : [])));
  const carries = (tag: number): boolean =>
    certificate.otherSans.some((name) => name.tag === tag) || (tag === directoryNameTag && !certificate.subjectIsEmpty);
  return [...tags].some(carries) ? 'it has a name of a form that is constrained and cannot be judged' : undefined;
}

/** `hosts`: undefined stands for a URI without a host, which no URI constraint can permit. */
function findOutside(
  form: Form,
  hosts: readonly (string | undefined)[],
  constraints: NameConstraints,
): string | undefined {
  const permitted = basesOf(form, constraints.permitted);
  const excluded = basesOf(form, constraints.excluded);
  if (permitted.length === 0 && excluded.length === 0) {
    return undefined;
  }
  const covers = coverOf[form];
  for (const host of hosts) {
    if (host === undefined || excluded.some((base) => covers(base, host))) {
      return `a ${form} name of it is excluded by its signer`;
    }
    if (permitted.length > 0 && !permitted.some((base) => covers(base, host))) {
      return `a ${form} name of it is not permitted by its signer`;
    }
  }
  return undefined;
}

function basesOf(form: Form, trees: readonly Subtree[]): string[] {
  return trees.flatMap((tree) => (tree.form === form ? [tree.base.toLowerCase()] : []));
}

/** A URI base with a leading dot covers hosts below it, one without covers itself; a DNS base covers itself and everything below. */
const coverOf: Readonly<Record<Form, (base: string, host: string) => boolean>> = {
  uri: (base, host) => (base.startsWith('.') ? host.length > base.length && host.endsWith(base) : host === base),
  dns: (base, host) => {
    const bare = base.startsWith('.') ? base.slice(1) : base;
    return bare === '' || host.endsWith(`.${bare}`) || (host === base && !base.startsWith('.'));
  },
};

/** The host in lower case; undefined when the URI has no authority part or an empty one. User info is no part of it. */
function hostOfUri(uri: string): string | undefined {
  const start = uri.indexOf('://');
  if (start === -1) {
    return undefined;
  }
  const rest = uri.slice(start + 3);
  const ends = ['/', '?', '#'].map((mark) => rest.indexOf(mark)).filter((index) => index !== -1);
  const authority = rest.slice(0, Math.min(rest.length, ...ends));
  const host = authority.slice(authority.lastIndexOf('@') + 1).split(':')[0];
  return host === undefined || host === '' ? undefined : host.toLowerCase();
}

function dnsNamesOf(certificate: Certificate): string[] {
  return certificate.otherSans
    .filter((name) => name.tag === dnsTag)
    .map((name) => Buffer.from(name.content).toString('latin1').toLowerCase());
}
