import { createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { constructedTag } from '../../spiffe/der-tags.ts';
import { bitString, element, integer, objectIdentifier, sequence } from '../../spiffe/der-writer.ts';
import { oids } from '../../spiffe/object-identifiers.ts';

const generate = promisify(generateKeyPair);

/** A new P-256 private key, made off the event loop. */
export async function generateWorkloadKey(): Promise<KeyObject> {
  const { privateKey } = await generate('ec', { namedCurve: 'P-256' });
  return privateKey;
}

/**
 * PKCS#10 (RFC 2986) in DER: the public key and the proof that we have the private one. Subject and attributes are empty, because the authority believes
 * nothing else of it. `key`: P-256.
 */
export function certificateRequest(key: KeyObject): Uint8Array {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const info = sequence(integer(0), sequence(), spki, element(constructedTag(0)));
  const algorithm = sequence(objectIdentifier(oids.ecdsaWithSha256));
  return sequence(info, algorithm, bitString(sign('sha256', info, key)));
}
