/*
 * Patterns over whole path segments: `*` stands for one segment, a last `**` for one or more. Nothing matches inside a segment, so that
 * `/ns/prod/sa/web` can never be meant where `/ns/prod/sa/web-admin` asks.
 */
import { accepted, type Parsed } from '../runtime/parsed.ts';
import { refuse } from './failures.ts';
import { scanPath } from './spiffe-syntax.ts';

const one = '*';
const oneOrMore = '**';

/** Whether the pattern covers the path. An empty pattern covers the empty path only; a `**` that is not last covers nothing. */
export function matchPath(pattern: readonly string[], path: readonly string[]): boolean {
  const open = pattern.at(-1) === oneOrMore;
  const fixed = open ? pattern.slice(0, -1) : pattern;
  const reaches = open ? path.length > fixed.length : path.length === fixed.length;
  return reaches && fixed.every((wanted, index) => matchSegment(wanted, path[index]));
}

/**
 * Reads a pattern such as `/ns/prod/sa/*` or `/ns/prod/**`. Refuses stars inside a segment, `**` before the end, and whatever no id could
 * hold. The empty text is the pattern of the trust domain's own id.
 */
export function parsePathPattern(text: string): Parsed<readonly string[]> {
  if (text !== '' && !text.startsWith('/')) {
    return refuse('pattern-malformed', 'a path pattern begins with a slash', { offset: 0 });
  }
  const pattern = text === '' ? [] : text.slice(1).split('/');
  const last = pattern.length - 1;
  const faulty = pattern.find((segment, index) => !isPatternSegment(segment, index === last));
  if (faulty !== undefined) {
    return refuse('pattern-malformed', 'a segment is `*`, a last `**`, or letters, digits, dot, dash and underscore');
  }
  return accepted(Object.freeze(pattern));
}

function matchSegment(wanted: string, found: string | undefined): boolean {
  return found !== undefined && (wanted === one || wanted === found);
}

function isPatternSegment(segment: string, isLast: boolean): boolean {
  return segment === one || (segment === oneOrMore && isLast) || scanPath(`/${segment}`, 0).ok;
}
