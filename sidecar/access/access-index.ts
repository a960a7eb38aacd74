import type { AccessMode, CompiledAccess, CompiledRule } from '../../authority/client/messages.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';

/** A policy made ready for judging many connections. */
export interface IndexedAccess {
  readonly mode: AccessMode;
  /** The rules that may cover `caller`: all that do are among them, each still has to be judged. */
  candidates(caller: SpiffeId): readonly (readonly CompiledRule[])[];
}

/**
 * Sorts the rules of a policy by whom they name, so that a decision looks at a few of them instead of all: rules that name one id by that id, rules whose
 * pattern begins with two plain segments (`ns`, a namespace) by those, the others by trust domain.
 */
export function indexAccess({ mode, rules }: CompiledAccess): IndexedAccess {
  const byKey = new Map<string, CompiledRule[]>();
  for (const rule of rules) {
    for (const key of new Set(rule.peers.map(({ trustDomain, path }) => keyOf(trustDomain, path)))) {
      const known = byKey.get(key);
      if (known === undefined) {
        byKey.set(key, [rule]);
      } else {
        known.push(rule);
      }
    }
  }
  return {
    mode,
    candidates: ({ trustDomain, path }) =>
      [exactKey(trustDomain, path), prefixKey(trustDomain, path), domainKey(trustDomain)].flatMap((key) => {
        const found = byKey.get(key);
        return found === undefined ? [] : [found];
      }),
  };
}

/** Where an entry is looked for. Segments hold no slash, and each key begins with its own kind, so no two kinds meet. */
function keyOf(trustDomain: string, path: readonly string[] | null): string {
  if (path === null) {
    return domainKey(trustDomain);
  }
  if (!path.some(isWild)) {
    return exactKey(trustDomain, path);
  }
  return path.length > 2 && !path.slice(0, 2).some(isWild) ? prefixKey(trustDomain, path) : domainKey(trustDomain);
}

const isWild = (segment: string): boolean => segment === '*' || segment === '**';
const domainKey = (trustDomain: string): string => `domain/${trustDomain}`;
const exactKey = (trustDomain: string, path: readonly string[]): string => `exact/${trustDomain}/${path.join('/')}`;
const prefixKey = (trustDomain: string, [first = '', second = '']: readonly string[]): string =>
  `prefix/${trustDomain}/${first}/${second}`;
