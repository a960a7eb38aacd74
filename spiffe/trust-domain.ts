import { accepted, type Parsed, requireParsed } from '../runtime/parsed.ts';
import { refuse } from './failures.ts';
import { scanId, scanTrustDomain } from './spiffe-syntax.ts';

declare const nominal: unique symbol;

/** The name of a trust domain that went through the parser: lower case, at most 255 bytes, compared exactly. SPIFFE-ID section 2.1. */
export type TrustDomain = string & { readonly [nominal]: 'TrustDomain' };

/**
 * The trust domain named by itself (`example.org`) or by any SPIFFE ID in it (`spiffe://example.org/a`).
 *
 * Neither trimmed nor lower-cased. Gives the name, or a problem with the clause and the byte offset of the first fault. Does not ask
 * whether the domain is known. SPIFFE-ID sections 2 and 2.1.
 */
export function parseTrustDomain(nameOrId: string): Parsed<TrustDomain> {
  const name = nameOrId.includes(':/') ? trustDomainOfId(nameOrId) : scanTrustDomain(nameOrId, 0, nameOrId.length);
  if (!name.ok) {
    return name;
  }
  return isTrustDomain(name.value)
    ? accepted(name.value)
    : refuse('trust-domain-malformed', 'this is no trust domain', { offset: 0 });
}

/** `parseTrustDomain` for literals and tests: throws `TypeError`. */
export function requireTrustDomain(nameOrId: string): TrustDomain {
  return requireParsed(parseTrustDomain(nameOrId));
}

/** Whether the text is exactly the name of a trust domain. */
export function isTrustDomain(text: string): text is TrustDomain {
  return scanTrustDomain(text, 0, text.length).ok;
}

function trustDomainOfId(text: string): Parsed<string> {
  const parts = scanId(text);
  return parts.ok ? accepted(parts.value.trustDomain) : parts;
}
