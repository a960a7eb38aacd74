/*
 * The characters of SPIFFE IDs, judged by hand: a URL parser lower-cases, decodes and removes dot segments before one can refuse them.
 *
 *   id           = "spiffe://" trust-domain path        at most 2,048 bytes
 *   trust-domain = 1*255( a-z 0-9 . - _ )
 *   path         = *( "/" segment )
 *   segment      = 1*( a-z A-Z 0-9 . - _ )              but neither "." nor ".."
 *
 * Everything accepted is ASCII, so the index of the first fault in the string is its byte offset too.
 */
import { accepted, type Parsed } from '../runtime/parsed.ts';
import { refuse } from './failures.ts';

export const scheme = 'spiffe://';
export const idLimitBytes = 2048;
export const trustDomainLimitBytes = 255;

/** The parts of an id that keeps to the grammar. */
export interface IdParts {
  readonly trustDomain: string;
  readonly path: readonly string[];
}

/** Splits an id, or names the clause and the byte offset of its first fault. SPIFFE-ID section 2. */
export function scanId(text: string): Parsed<IdParts> {
  if (text.length > idLimitBytes) {
    return refuse('spiffe-id-malformed', `a SPIFFE ID has at most ${idLimitBytes} bytes`, {
      clause: 'ID-06',
      offset: idLimitBytes,
    });
  }
  if (!text.startsWith(scheme)) {
    return refuseScheme(text);
  }
  const slash = text.indexOf('/', scheme.length);
  const end = slash === -1 ? text.length : slash;
  const name = scanTrustDomain(text, scheme.length, end);
  if (!name.ok) {
    return name;
  }
  const path = scanPath(text, end);
  return path.ok ? accepted({ trustDomain: name.value, path: path.value }) : path;
}

/** The trust domain that stands in `text` from `start` to `end`. SPIFFE-ID section 2.1. */
export function scanTrustDomain(text: string, start: number, end: number): Parsed<string> {
  if (start === end) {
    return refuse('trust-domain-malformed', 'the trust domain is empty', { clause: 'ID-02', offset: start });
  }
  for (let offset = start; offset < end; offset += 1) {
    if (!isTrustDomainCharacter(text.charCodeAt(offset))) {
      return refuseTrustDomain(text.slice(start, end), text.charAt(offset), offset);
    }
  }
  if (end - start > trustDomainLimitBytes) {
    const message = `a trust domain has at most ${trustDomainLimitBytes} bytes`;
    return refuse('trust-domain-malformed', message, { clause: 'ID-03', offset: start + trustDomainLimitBytes });
  }
  return accepted(text.slice(start, end));
}

/** The segments of the path that stands in `text` from `start` on: none, or each introduced by a slash. SPIFFE-ID section 2.2. */
export function scanPath(text: string, start: number): Parsed<readonly string[]> {
  if (start < text.length && text.charAt(start) !== '/') {
    return refuse('spiffe-id-malformed', 'a path begins with a slash', { clause: 'ID-05', offset: start });
  }
  const segments: string[] = [];
  let offset = start;
  while (offset < text.length) {
    const slash = text.indexOf('/', offset + 1);
    const end = slash === -1 ? text.length : slash;
    const segment = scanSegment(text, offset + 1, end);
    if (!segment.ok) {
      return segment;
    }
    segments.push(segment.value);
    offset = end;
  }
  return accepted(Object.freeze(segments));
}

function scanSegment(text: string, start: number, end: number): Parsed<string> {
  for (let offset = start; offset < end; offset += 1) {
    if (!isSegmentCharacter(text.charCodeAt(offset))) {
      return refusePathCharacter(text.charAt(offset), offset);
    }
  }
  const segment = text.slice(start, end);
  if (segment === '') {
    return refuse('spiffe-id-malformed', 'the path has an empty segment or a trailing slash', {
      clause: 'ID-05',
      offset: start,
    });
  }
  if (segment === '.' || segment === '..') {
    return refuse('spiffe-id-malformed', 'the path has a dot segment', { clause: 'ID-05', offset: start });
  }
  return accepted(segment);
}

function refuseScheme(text: string): Parsed<never> {
  if (text.slice(0, scheme.length).toLowerCase() === scheme) {
    return refuse('spiffe-id-malformed', 'the scheme is lower-case `spiffe`', { clause: 'ID-07', offset: 0 });
  }
  return refuse('spiffe-id-malformed', 'a SPIFFE ID begins with `spiffe://`', { clause: 'ID-01', offset: 0 });
}

/** Says which clause a foreign character in the authority part breaks: what a URL would hold there is named as such. */
function refuseTrustDomain(name: string, character: string, offset: number): Parsed<never> {
  if (character === '?' || character === '#') {
    return refuse('trust-domain-malformed', 'a SPIFFE ID has neither query nor fragment', { clause: 'ID-01', offset });
  }
  if (name.startsWith('[') || (character === ':' && name.includes('::'))) {
    return refuse('trust-domain-malformed', 'a trust domain is no IPv6 address', { clause: 'ID-04', offset });
  }
  if (character === ':' || character === '@') {
    return refuse('trust-domain-malformed', 'a trust domain has neither port nor user info', {
      clause: 'ID-02',
      offset,
    });
  }
  return refuse('trust-domain-malformed', 'a trust domain has only a-z, 0-9, dot, dash and underscore', {
    clause: 'ID-03',
    offset,
  });
}

function refusePathCharacter(character: string, offset: number): Parsed<never> {
  if (character === '?' || character === '#') {
    return refuse('spiffe-id-malformed', 'a SPIFFE ID has neither query nor fragment', { clause: 'ID-01', offset });
  }
  const message = 'a path segment has only letters, digits, dot, dash and underscore';
  return refuse('spiffe-id-malformed', message, { clause: 'ID-05', offset });
}

const isLower = (code: number): boolean => code >= 0x61 && code <= 0x7a;
const isUpper = (code: number): boolean => code >= 0x41 && code <= 0x5a;
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isDotDashUnderscore = (code: number): boolean => code === 0x2e || code === 0x2d || code === 0x5f;

const isTrustDomainCharacter = (code: number): boolean => isLower(code) || isDigit(code) || isDotDashUnderscore(code);
const isSegmentCharacter = (code: number): boolean => isUpper(code) || isTrustDomainCharacter(code);
