/*
 * Reads as much of a TLS ClientHello as is needed before the connection is given to OpenSSL: is it one, is it whole, which protocols does it offer.
 *
 *   record    = type(1)=22 version(2)=3.x length(2) fragment
 *   handshake = type(1)=1 length(3) body, perhaps over several records
 *   body      = version(2) random(32) session<1> ciphers<2> compressions<1> extensions<2>
 *
 * A hello with a hybrid key share is about 1.8 KB and often comes in two segments. Nothing here is trusted: OpenSSL reads the same bytes again and judges.
 */

/** Larger hellos are not read, so that a stranger cannot make us buffer. */
export const helloLimitBytes = 16 * 1024;

/** What the first bytes of a connection are. `more`: they may become a hello, but are not whole yet. */
export type FirstBytes =
  | { readonly kind: 'more' }
  | { readonly kind: 'plaintext' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'hello'; readonly protocols: readonly string[] };

const more: FirstBytes = { kind: 'more' };
const malformed: FirstBytes = { kind: 'malformed' };
const alpnExtension = 16;

/** Judges the bytes received so far, from the first one on. Never throws. */
export function readFirstBytes(bytes: Uint8Array): FirstBytes {
  if ((bytes.length > 0 && bytes[0] !== 0x16) || (bytes.length > 1 && bytes[1] !== 0x03)) {
    return { kind: 'plaintext' };
  }
  const message = assembleHandshake(bytes);
  if (message === 'malformed' || (message === 'more' && bytes.length >= helloLimitBytes)) {
    return malformed;
  }
  if (message === 'more') {
    return more;
  }
  const protocols = offeredProtocols(message);
  return protocols === undefined ? malformed : { kind: 'hello', protocols };
}

/** The body of the first handshake message, put together from its records. */
function assembleHandshake(bytes: Uint8Array): Buffer | 'more' | 'malformed' {
  const input = view(bytes);
  const fragments: Buffer[] = [];
  let collected = 0;
  for (let at = 0; at + 5 <= input.length; ) {
    const length = input.readUInt16BE(at + 3);
    if (input[at] !== 0x16 || input[at + 1] !== 0x03 || length === 0 || length > helloLimitBytes + 256) {
      return 'malformed';
    }
    const fragment = input.subarray(at + 5, at + 5 + length);
    fragments.push(fragment);
    collected += fragment.length;
    at += 5 + length;
    const message = wholeMessage(fragments, collected);
    if (message !== 'more') {
      return message;
    }
  }
  return 'more';
}

function wholeMessage(fragments: readonly Buffer[], collected: number): Buffer | 'more' | 'malformed' {
  if (collected < 4) {
    return collected > 0 && fragments[0]?.[0] !== 0x01 ? 'malformed' : 'more';
  }
  const joined = fragments.length === 1 ? fragments[0] : Buffer.concat(fragments);
  if (joined?.[0] !== 0x01) {
    return 'malformed';
  }
  const length = joined.readUIntBE(1, 3);
  if (length > helloLimitBytes) {
    return 'malformed';
  }
  return joined.length < 4 + length ? 'more' : joined.subarray(4, 4 + length);
}

/** The names of the ALPN extension; none when it is absent, undefined when the hello does not parse. */
function offeredProtocols(body: Buffer): readonly string[] | undefined {
  const reader = fieldReader(body);
  const skipped = reader.skip(34) && reader.field(1) && reader.field(2) && reader.field(1);
  if (skipped === false || skipped === undefined) {
    return undefined;
  }
  const extensions = reader.isAtEnd() ? Buffer.alloc(0) : reader.field(2);
  if (extensions === undefined || !reader.isAtEnd()) {
    return undefined;
  }
  const inner = fieldReader(extensions);
  while (!inner.isAtEnd()) {
    const type = inner.uint16();
    const content = inner.field(2);
    if (type === undefined || content === undefined) {
      return undefined;
    }
    if (type === alpnExtension) {
      return readNames(content);
    }
  }
  return [];
}

function readNames(extension: Buffer): readonly string[] | undefined {
  const outer = fieldReader(extension);
  const list = outer.field(2);
  if (list === undefined || !outer.isAtEnd()) {
    return undefined;
  }
  const names: string[] = [];
  const inner = fieldReader(list);
  while (!inner.isAtEnd()) {
    const name = inner.field(1);
    if (name === undefined || name.length === 0) {
      return undefined;
    }
    names.push(name.toString('latin1'));
  }
  return names;
}

/** Reads fields prefixed by their length; undefined where one does not fit. */
function fieldReader(bytes: Buffer): {
  skip(size: number): boolean;
  uint16(): number | undefined;
  field(lengthBytes: 1 | 2): Buffer | undefined;
  isAtEnd(): boolean;
} {
  let at = 0;
  const take = (size: number): Buffer | undefined => {
    if (at + size > bytes.length) {
      return undefined;
    }
    at += size;
    return bytes.subarray(at - size, at);
  };
  return {
    skip: (size) => take(size) !== undefined,
    uint16: () => take(2)?.readUInt16BE(0),
    field(lengthBytes) {
      const length = take(lengthBytes)?.readUIntBE(0, lengthBytes);
      return length === undefined ? undefined : take(length);
    },
    isAtEnd: () => at === bytes.length,
  };
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
