import { looksLikeCredential } from '../credential-shapes.ts';
import { Failure } from '../failure.ts';
import type { SettingRow, SettingsShape, SettingsTable, SettingsValues } from './define-settings.ts';

/** `invalid-settings`: the message lists every mistake, one per line; nothing was started. */
export class SettingsFailure extends Failure<'invalid-settings'> {
  override readonly name = 'SettingsFailure';
}

/** Variables by name, as a process has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables under our prefix that belong to tests and are no settings. */
const testVariables = ['SALLYPORT_VECTORS', 'SALLYPORT_INTEROP', 'SALLYPORT_CLUSTER'];

/**
 * Reads a whole table from the environment. The result is complete (defaults filled in) and deeply frozen.
 *
 * Throws `SettingsFailure` with *all* mistakes: variable, what was read (unless secret), what is expected; unknown `SALLYPORT_*` variables with the
 * name that was probably meant. Variables that Kubernetes sets for Services whose name begins with `sallyport` are no mistakes.
 */
export function readSettings<Shape extends SettingsShape>(
  table: SettingsTable<Shape>,
  environment: Environment,
): SettingsValues<Shape> {
  const values: Tree = {};
  const unread = new Set<string>();
  const mistakes: string[] = [];
  for (const row of table.rows) {
    const outcome = readRow(row, environment[row.variable]);
    if (outcome.ok) {
      place(values, row.path, outcome.value);
    } else {
      mistakes.push(outcome.mistake);
      place(values, row.path, undefined);
      unread.add(row.path.join('.'));
    }
  }
  mistakes.push(...unknownVariables(table.rows, environment));
  if (isShaped(values, table)) {
    mistakes.push(...ruleMistakes(table, values, unread));
    if (mistakes.length === 0) {
      return freeze(values);
    }
  }
  throw new SettingsFailure(
    'invalid-settings',
    [`${mistakes.length} mistake(s) in the settings:`, ...mistakes].join('\n  '),
  );
}

type Tree = { [name: string]: unknown };

/** The type follows from the rows that filled `tree`, a group for each that has rows; only rules whose fields were all read look at it before it is whole. */
function isShaped<Shape extends SettingsShape>(
  tree: Tree,
  table: SettingsTable<Shape>,
): tree is SettingsValues<Shape> & Tree {
  return table.rows.every(({ path }) => path.length === 1 || Object.hasOwn(tree, path[0] ?? ''));
}

function readRow(
  row: SettingRow,
  text: string | undefined,
): { ok: true; value: unknown } | { ok: false; mistake: string } {
  const outcome = row.kind.safeParse(text);
  if (outcome.success) {
    return { ok: true, value: outcome.data };
  }
  if (text === undefined) {
    const example = row.meta.example === undefined ? 'a value' : `something like ${row.meta.example}`;
    return {
      ok: false,
      mistake: `${row.variable}: not set, expected ${example}: ${row.meta.description ?? row.path.join('.')}`,
    };
  }
  const read = row.meta.secret === true || looksLikeCredential(text) ? 'a value that is not shown' : shown(text);
  return { ok: false, mistake: `${row.variable}: read ${read}, ${outcome.error.issues[0]?.message ?? 'not accepted'}` };
}

/** Quoted and cut; what stands before the `@` of a URL may be a password. */
const shown = (text: string): string => JSON.stringify(text.slice(0, 200).replaceAll(/\/\/[^/@]*@/g, '//...@'));

function place(tree: Tree, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  const group = tree[name];
  const branch: Tree = isTree(group) ? group : {};
  tree[name] = branch;
  place(branch, rest, value);
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

function ruleMistakes<Shape extends SettingsShape>(
  table: SettingsTable<Shape>,
  values: SettingsValues<Shape>,
  unread: ReadonlySet<string>,
): string[] {
  return table.rules.flatMap((rule) => {
    const mistake = rule.fields.some((field) => unread.has(field)) ? undefined : rule.check(values);
    const variables = table.rows
      .filter(({ path }) => rule.fields.includes(path.join('.')))
      .map(({ variable }) => variable);
    return mistake === undefined ? [] : [`${variables.join(', ')}: ${mistake}`];
  });
}

function unknownVariables(rows: readonly SettingRow[], environment: Environment): string[] {
  const known = rows.map(({ variable }) => variable);
  return Object.keys(environment)
    .filter((name) => name.startsWith('SALLYPORT_') && environment[name] !== undefined && !known.includes(name))
    .filter((name) => !testVariables.some((prefix) => name.startsWith(prefix)) && !isServiceLink(name, environment))
    .map((name) => {
      const near = closest(name, known);
      return `${name}: no such setting${near === undefined ? '' : `; did you mean ${near}?`}`;
    });
}

/** The kubelet describes every Service of the namespace by variables (`<SERVICE>_SERVICE_HOST`, `<SERVICE>_PORT_443_TCP`, ...): not meant for us. */
function isServiceLink(name: string, environment: Environment): boolean {
  const parts = name.split('_');
  return parts.some((_, index) => environment[`${parts.slice(0, index + 1).join('_')}_SERVICE_HOST`] !== undefined);
}

function closest(name: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, name.length / 5) ? best.candidate : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !(value instanceof URL)) {
    Object.values(value).forEach(freeze);
    Object.freeze(value);
  }
  return value;
}
