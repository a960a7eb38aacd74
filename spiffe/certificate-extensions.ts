import {
  type DerCursor,
  type DerNode,
  derCursor,
  expectTag,
  malformed,
  readAscii,
  readBitString,
  readBoolean,
  readEach,
  readObjectIdentifier,
  readOnly,
  readSmallInteger,
} from './der.ts';
import { constructedTag, primitiveTag, tags } from './der-tags.ts';
import { type KeyUsage, keyUsages } from './key-usage.ts';
import { oids } from './object-identifiers.ts';

/** A name that is no URI. `tag`: its identifier octet, such as 0x82 for a DNS name. */
export interface OtherName {
  readonly tag: number;
  readonly content: Uint8Array;
}

const dnsTag = primitiveTag(2);
const uriTag = primitiveTag(6);

/** One subtree of names: a URI host or DNS name in ASCII (a leading dot: only below it), or a form that we cannot judge. */
export type Subtree =
  | { readonly form: 'uri' | 'dns'; readonly base: string }
  | { readonly form: 'other'; readonly tag: number };

/** RFC 5280, 4.2.1.10. */
export interface NameConstraints {
  readonly permitted: readonly Subtree[];
  readonly excluded: readonly Subtree[];
}

/** `pathLength`: how many intermediates may follow; undefined: any number. */
export interface BasicConstraints {
  readonly isCritical: boolean;
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
}

/** What the extensions of a certificate say; undefined: the extension is absent. */
export interface Extensions {
  readonly basicConstraints: BasicConstraints | undefined;
  readonly keyUsage: { readonly isCritical: boolean; readonly usages: ReadonlySet<KeyUsage> } | undefined;
  /** Purposes as dotted object identifiers. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** The URI subject alternative names, as written. */
  readonly uris: readonly string[];
  readonly otherSans: readonly OtherName[];
  readonly sanCritical: boolean;
  readonly nameConstraints: NameConstraints | undefined;
  readonly subjectKeyId: Uint8Array | undefined;
  readonly authorityKeyId: Uint8Array | undefined;
  /** Critical extensions that nothing here understands: a path through such a certificate is refused. */
  readonly unknownCritical: readonly string[];
  /** Every extension in order, as dotted object identifiers. */
  readonly extensionIds: readonly string[];
}

/** What a certificate without extensions says. */
export const noExtensions: Extensions = Object.freeze({
  basicConstraints: undefined,
  keyUsage: undefined,
  extendedKeyUsage: undefined,
  uris: [],
  otherSans: [],
  sanCritical: false,
  nameConstraints: undefined,
  subjectKeyId: undefined,
  authorityKeyId: undefined,
  unknownCritical: [],
  extensionIds: [],
});

interface Extension {
  readonly oid: string;
  readonly isCritical: boolean;
  readonly value: DerNode;
}

/** How each known extension adds to what is known. */
const readers = new Map<string, (extension: Extension) => Partial<Extensions>>([
  [oids.basicConstraints, (extension) => ({ basicConstraints: readBasicConstraints(extension) })],
  [oids.keyUsage, (extension) => ({ keyUsage: readKeyUsage(extension) })],
  [oids.extendedKeyUsage, ({ value }) => ({ extendedKeyUsage: readPurposes(value) })],
  [oids.subjectAltName, readSubjectAltName],
  [oids.nameConstraints, ({ value }) => ({ nameConstraints: readNameConstraints(value) })],
  [
    oids.subjectKeyIdentifier,
    ({ value }) => ({ subjectKeyId: readOnly(value, tags.octetString, 'the key identifier').content }),
  ],
  [oids.authorityKeyIdentifier, ({ value }) => ({ authorityKeyId: readAuthorityKeyId(value) })],
]);

/** Reads Extensions (RFC 5280, 4.1.2.9), inside `decodeDer`. An extension that stands twice is refused. */
export function readExtensions(node: DerNode): Extensions {
  const extensions = readEach(node, 'the extensions', readExtension);
  const extensionIds = extensions.map(({ oid }) => oid);
  const twice = extensions.find(({ oid }, index) => extensionIds.indexOf(oid) !== index);
  if (twice !== undefined || extensions.length === 0) {
    return malformed(twice?.value ?? node, 'each extension stands once, and there is at least one');
  }
  const unknownCritical = extensions
    .filter(({ oid, isCritical }) => isCritical && !readers.has(oid))
    .map(({ oid }) => oid);
  const known = extensions.map((extension) => readers.get(extension.oid)?.(extension));
  return known.reduce<Extensions>((sum, part) => ({ ...sum, ...part }), {
    ...noExtensions,
    unknownCritical,
    extensionIds,
  });
}

function readExtension(node: DerNode): Extension {
  const cursor = derCursor(expectTag(node, tags.sequence, 'an extension'));
  const oid = readObjectIdentifier(cursor.take(tags.objectIdentifier, 'the id of an extension'));
  const isCritical = readDefaultFalse(cursor, 'critical');
  const value = cursor.take(tags.octetString, 'the value of an extension');
  cursor.end('an extension');
  return { oid, isCritical, value };
}

/** DER leaves out what is the default: a written FALSE is refused. */
function readDefaultFalse(cursor: DerCursor, what: string): boolean {
  const node = cursor.takeIf(tags.boolean);
  if (node === undefined) {
    return false;
  }
  return readBoolean(node) || malformed(node, `${what} is left out when false`);
}

function readBasicConstraints({ value, isCritical }: Extension): BasicConstraints {
  const node = readOnly(value, tags.sequence, 'basic constraints');
  const cursor = derCursor(node);
  const isCa = readDefaultFalse(cursor, 'cA');
  const pathLength = cursor.takeIf(tags.integer);
  cursor.end('basic constraints');
  if (pathLength !== undefined && !isCa) {
    return malformed(pathLength, 'a path length stands on signing certificates only');
  }
  return { isCritical, isCa, pathLength: pathLength === undefined ? undefined : readSmallInteger(pathLength) };
}

function readKeyUsage({ value, isCritical }: Extension): NonNullable<Extensions['keyUsage']> {
  const { bytes } = readBitString(readOnly(value, tags.bitString, 'key usage'));
  const isSet = (bit: number): boolean => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;
  return { isCritical, usages: new Set(keyUsages.filter((_, bit) => isSet(bit))) };
}

function readPurposes(value: DerNode): string[] {
  const node = readOnly(value, tags.sequence, 'extended key usage');
  const purposes = readEach(node, 'extended key usage', (purpose) =>
    readObjectIdentifier(expectTag(purpose, tags.objectIdentifier, 'a purpose')),
  );
  return purposes.length > 0 ? purposes : malformed(node, 'extended key usage names at least one purpose');
}

function readSubjectAltName({ value, isCritical }: Extension): Pick<Extensions, 'uris' | 'otherSans' | 'sanCritical'> {
  const names = readOnly(value, tags.sequence, 'the subject alternative name');
  const uris: string[] = [];
  const otherSans: OtherName[] = [];
  readEach(names, 'the subject alternative name', (name) => {
    requireGeneralName(name);
    if (name.tag === uriTag) {
      uris.push(readAscii(name));
    } else {
      otherSans.push({ tag: name.tag, content: name.content });
    }
  });
  return uris.length + otherSans.length > 0
    ? { uris, otherSans, sanCritical: isCritical }
    : malformed(names, 'the subject alternative name holds at least one name');
}

function readNameConstraints(value: DerNode): NameConstraints {
  const node = readOnly(value, tags.sequence, 'name constraints');
  const cursor = derCursor(node);
  const permitted = cursor.takeIf(constructedTag(0));
  const excluded = cursor.takeIf(constructedTag(1));
  cursor.end('name constraints');
  if (permitted === undefined && excluded === undefined) {
    return malformed(node, 'name constraints hold at least one subtree');
  }
  const readSubtrees = (trees: DerNode | undefined): Subtree[] =>
    trees === undefined ? [] : readEach(trees, 'the subtrees', readSubtree);
  return { permitted: readSubtrees(permitted), excluded: readSubtrees(excluded) };
}

/** RFC 5280 fixes `minimum` to its default and forbids `maximum`: only the base may stand here. */
function readSubtree(node: DerNode): Subtree {
  const cursor = derCursor(expectTag(node, tags.sequence, 'a subtree'));
  const base = cursor.takeAny('the base of a subtree');
  cursor.end('a subtree');
  requireGeneralName(base);
  if (base.tag === uriTag) {
    return { form: 'uri', base: readAscii(base) };
  }
  return base.tag === dnsTag ? { form: 'dns', base: readAscii(base) } : { form: 'other', tag: base.tag };
}

function readAuthorityKeyId(value: DerNode): Uint8Array | undefined {
  const cursor = derCursor(readOnly(value, tags.sequence, 'the authority key identifier'));
  const keyId = cursor.takeIf(primitiveTag(0));
  cursor.takeIf(constructedTag(1)); // issuer and serial number: names are compared anyway
  cursor.takeIf(primitiveTag(2));
  cursor.end('the authority key identifier');
  return keyId?.content;
}

/** GeneralName is one of [0] to [8]; [0], [3], [4] and [5] are constructed. */
function requireGeneralName(node: DerNode): void {
  const number = node.tag & 0x1f;
  const isConstructed = number === 0 || (number >= 3 && number <= 5);
  if (number > 8 || node.tag !== (isConstructed ? constructedTag(number) : primitiveTag(number))) {
    malformed(node, 'this is no general name');
  }
}
