import { z } from 'zod';
import { type SettingMeta, settingMeta } from './kinds.ts';

/** Rows of a table: a kind from `kinds.ts`, or a group of further rows. */
export interface SettingsShape {
  readonly [name: string]: z.ZodType | SettingsShape;
}

/** What reading a table gives. */
export type SettingsValues<Shape> = {
  readonly [Name in keyof Shape]: Shape[Name] extends z.ZodType
    ? z.output<Shape[Name]>
    : Shape[Name] extends SettingsShape
      ? SettingsValues<Shape[Name]>
      : never;
};

/** One setting: where it stands in the table, the variable it is read from, and what it says about itself. */
export interface SettingRow {
  readonly path: readonly string[];
  readonly variable: string;
  readonly kind: z.ZodType;
  readonly meta: SettingMeta;
}

/** A rule between fields: `check` gives what is wrong, in words; it is asked only when every field of `fields` could be read. */
export interface SettingsRule<Values> {
  readonly fields: readonly string[];
  check(values: Values): string | undefined;
}

/** All settings of one program, defined once: type, parser, printer and documentation come from it. */
export interface SettingsTable<Shape extends SettingsShape> {
  readonly shape: Shape;
  readonly rows: readonly SettingRow[];
  readonly rules: readonly SettingsRule<SettingsValues<Shape>>[];
}

/** The type of a table's values: `SettingsOf<typeof sidecarSettings>`. */
export type SettingsOf<Table> = Table extends SettingsTable<infer Shape> ? SettingsValues<Shape> : never;

/** `x509Ttl` and `credential-in-env` as the words of a variable: `X509_TTL`, `CREDENTIAL_IN_ENV`. */
const words = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toUpperCase();

/** The environment variable of a setting: `rules.credential-in-env.mode` is `SALLYPORT_RULES_CREDENTIAL_IN_ENV_MODE`. */
export const variableOf = (path: readonly string[]): string => ['SALLYPORT', ...path.map(words)].join('_');

function rowsOf(shape: SettingsShape, above: readonly string[]): SettingRow[] {
  return Object.entries(shape).flatMap(([name, entry]): SettingRow[] => {
    const path = [...above, name];
    return entry instanceof z.ZodType
      ? [{ path, variable: variableOf(path), kind: entry, meta: settingMeta(entry) }]
      : rowsOf(entry, path);
  });
}

/** A table from its rows. Throws `TypeError` when two settings would share a variable: a programmer's mistake. */
export function defineSettings<const Shape extends SettingsShape>(
  shape: Shape,
  rules: readonly SettingsRule<SettingsValues<Shape>>[] = [],
): SettingsTable<Shape> {
  const rows = rowsOf(shape, []);
  const twice = rows.find(({ variable }, index) => rows.findIndex((row) => row.variable === variable) !== index);
  if (twice !== undefined) {
    throw new TypeError(`two settings are read from ${twice.variable}`);
  }
  return { shape, rows, rules };
}
