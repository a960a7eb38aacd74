/** K6: a private key. `encrypted`: it takes a passphrase to use it. */
export type PrivateKeyFinding = 'clear' | 'encrypted';

/**
 * Looks for a private key anywhere in a text: PEM of any label, OpenSSH, PuTTY, OpenPGP, age, WireGuard, JSON Web Key. `key`: the name the text stands under, which
 * alone makes a WireGuard key one. Undefined: none was seen.
 */
export function findPrivateKey(text: string, key: string): PrivateKeyFinding | undefined {
  return findPem(text) ?? findPutty(text) ?? findOther(text, key) ?? findJsonWebKey(text);
}

function findPem(text: string): PrivateKeyFinding | undefined {
  const header = /-----BEGIN ((?:[A-Z0-9]{1,20} ){0,4})PRIVATE KEY(?: BLOCK)?-----/.exec(text);
  if (header === null) {
    return undefined;
  }
  const body = text.slice(header.index + header[0].length, header.index + 65_536);
  const isEncrypted =
    header[1]?.includes('ENCRYPTED ') === true ||
    /^\s{0,10}Proc-Type: 4,ENCRYPTED/.test(body) ||
    isEncryptedOpenSsh(header[1] ?? '', body);
  return isEncrypted ? 'encrypted' : 'clear';
}

/** The first field of an OpenSSH key names its cipher. */
function isEncryptedOpenSsh(label: string, body: string): boolean {
  if (label !== 'OPENSSH ') {
    return false;
  }
  const bytes = Buffer.from(body.slice(0, 200).replace(/\s/g, ''), 'base64');
  const start = 'openssh-key-v1\0'.length;
  const length = bytes.length >= start + 4 ? bytes.readUInt32BE(start) : 0;
  return length > 0 && bytes.subarray(start + 4, start + 4 + length).toString('latin1') !== 'none';
}

function findPutty(text: string): PrivateKeyFinding | undefined {
  if (!/PuTTY-User-Key-File-[23]:/.test(text)) {
    return undefined;
  }
  return /^Encryption: none\s*$/m.test(text) ? 'clear' : 'encrypted';
}

function findOther(text: string, key: string): PrivateKeyFinding | undefined {
  const isAge = /AGE-SECRET-KEY-1[0-9A-Z]{20,}/.test(text);
  const isWireGuard =
    /^\s{0,40}PrivateKey\s{0,40}=\s{0,40}[A-Za-z0-9+/]{43}=\s*$/m.test(text) ||
    (/^private[-_]?key$/i.test(key) && /^[A-Za-z0-9+/]{43}=$/.test(text.trim()));
  return isAge || isWireGuard ? 'clear' : undefined;
}

const longestJsonWebKey = 65_536;

/** A JSON Web Key, or a set of them, with the private member `d`. */
function findJsonWebKey(text: string): PrivateKeyFinding | undefined {
  if (!text.trimStart().startsWith('{') || !text.includes('"kty"') || text.length > longestJsonWebKey) {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(text);
    const candidates: readonly unknown[] = hasKeys(value) ? value.keys : [value];
    return candidates.some(hasPrivateMember) ? 'clear' : undefined;
  } catch {
    return undefined;
  }
}

function hasKeys(value: unknown): value is { readonly keys: readonly unknown[] } {
  return typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys);
}

function hasPrivateMember(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'kty' in value && 'd' in value && typeof value.d === 'string';
}
