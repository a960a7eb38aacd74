import { accepted, type Parsed, requireParsed } from '../runtime/parsed.ts';
import { refuse } from './failures.ts';
import { scanId, scheme } from './spiffe-syntax.ts';
import { isTrustDomain, type TrustDomain } from './trust-domain.ts';

const nominal: unique symbol = Symbol('SpiffeId');

/** A SPIFFE ID that went through the parser; frozen. Two ids are the same when their `text` is. */
export interface SpiffeId {
  readonly [nominal]: true;
  readonly trustDomain: TrustDomain;
  /** Segments without slashes; empty for the id of the trust domain itself. */
  readonly path: readonly string[];
  /** The one way to write this id. */
  readonly text: string;
}

/**
 * Reads a SPIFFE ID. `text`: up to 2,048 bytes, neither trimmed nor lower-cased nor decoded.
 *
 * Gives the id, or a problem with the clause (`ID-01` to `ID-07`) and the byte offset of the first fault. Does not ask whether the trust
 * domain is known, nor for a path, which only the id of a workload must have. SPIFFE-ID section 2.
 */
export function parseSpiffeId(text: string): Parsed<SpiffeId> {
  const parts = scanId(text);
  if (!parts.ok) {
    return parts;
  }
  const { trustDomain, path } = parts.value;
  if (!isTrustDomain(trustDomain)) {
    return refuse('spiffe-id-malformed', 'this is no trust domain', { clause: 'ID-03', offset: scheme.length });
  }
  return accepted(Object.freeze({ [nominal]: true as const, trustDomain, path, text }));
}

/** `parseSpiffeId` for literals and tests: throws `TypeError`. */
export function requireSpiffeId(text: string): SpiffeId {
  return requireParsed(parseSpiffeId(text));
}

/** The id with these path segments in the trust domain; refuses what the parser refuses, a slash inside a segment among it. */
export function spiffeIdOf(trustDomain: TrustDomain, path: readonly string[]): Parsed<SpiffeId> {
  const id = parseSpiffeId([scheme + trustDomain, ...path].join('/'));
  if (id.ok && id.value.path.length !== path.length) {
    return refuse('spiffe-id-malformed', 'a path segment holds no slash', { clause: 'ID-05' });
  }
  return id;
}

/** Whether both are the same identity. */
export function sameSpiffeId(one: SpiffeId, other: SpiffeId): boolean {
  return one.text === other.text;
}
