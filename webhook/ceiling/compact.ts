import type { Atom, ResourceAtom, UrlAtom } from './atoms.ts';
import type { PolicyRule } from './policy-rule.ts';

/** Atoms as the fewest rules that a person would write: verbs together, then resources with the same verbs, then names. Sorted, so that the same atoms give the same rules. */
export function compact(atoms: readonly Atom[]): readonly PolicyRule[] {
  const resources = atoms.filter((atom): atom is ResourceAtom => atom.kind === 'resource');
  const urls = atoms.filter((atom): atom is UrlAtom => atom.kind === 'url');
  return [...compactResources(resources), ...compactUrls(urls)];
}

function compactResources(atoms: readonly ResourceAtom[]): readonly PolicyRule[] {
  const verbs = merged(
    atoms,
    ({ group, resource, name }) => [group, resource, name],
    ({ verb }) => verb,
  );
  const names = merged(
    verbs,
    ({ key: [group = '', resource = ''], values }) => [group, resource, ...values],
    ({ key }) => key[2] ?? '',
  );
  const resources = merged(
    names,
    ({ key: [group = '', , ...verbList], values }) => [group, JSON.stringify(values), ...verbList],
    ({ key }) => key[1] ?? '',
  );
  return resources.map(({ key: [group = '', nameList = '', ...verbList], values }) => ({
    apiGroups: [group],
    resources: values,
    verbs: verbList,
    resourceNames: namesOf(nameList),
    nonResourceURLs: [],
  }));
}

/** The unnamed grant is what names are narrower than: it stands alone. */
function namesOf(text: string): readonly string[] {
  const names: unknown = JSON.parse(text);
  return Array.isArray(names) && !names.includes('') ? names.filter((name) => typeof name === 'string') : [];
}

function compactUrls(atoms: readonly UrlAtom[]): readonly PolicyRule[] {
  const verbs = merged(
    atoms,
    ({ url }) => [url],
    ({ verb }) => verb,
  );
  const urls = merged(
    verbs,
    ({ values }) => values,
    ({ key }) => key[0] ?? '',
  );
  return urls.map(({ key, values }) => ({
    apiGroups: [],
    resources: [],
    verbs: key,
    resourceNames: [],
    nonResourceURLs: values,
  }));
}

interface Merged {
  readonly key: readonly string[];
  readonly values: readonly string[];
}

/** Items with the same key as one, their values distinct and sorted. */
function merged<T>(
  items: readonly T[],
  keyOf: (item: T) => readonly string[],
  valueOf: (item: T) => string,
): readonly Merged[] {
  const groups = new Map<string, { key: readonly string[]; values: Set<string> }>();
  for (const item of items) {
    const key = keyOf(item);
    const text = JSON.stringify(key);
    const group = groups.get(text) ?? { key, values: new Set() };
    group.values.add(valueOf(item));
    groups.set(text, group);
  }
  return [...groups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { key, values }]) => ({ key, values: [...values].sort((a, b) => (a < b ? -1 : 1)) }));
}
