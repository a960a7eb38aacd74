import { z } from 'zod';
import type { SettingRow, SettingsShape, SettingsTable } from './define-settings.ts';
import { settingForm } from './kinds.ts';

export interface SettingsDocsOptions {
  /** How a pod's author sets a `perPod` setting, for one row; without it the docs do not mention it. */
  readonly annotationOf?: (row: SettingRow) => string;
}

/** A table as Markdown, one line per setting in table order: variable, form of its text, default (`required` without one), meaning. Ends without a newline. */
export function printSettingsTable<Shape extends SettingsShape>(
  table: SettingsTable<Shape>,
  options: SettingsDocsOptions = {},
): string {
  const lines = table.rows.map((row) => {
    const cells = [`\`${row.variable}\``, settingForm(row.kind), defaultOf(row), meaningOf(row, options)];
    return `| ${cells.map(inCell).join(' | ')} |`;
  });
  return ['| variable | value | default | meaning |', '|---|---|---|---|', ...lines].join('\n');
}

/** The default as the text one would write for it. */
function defaultOf({ kind }: SettingRow): string {
  const unset = kind.safeParse(undefined);
  if (!unset.success) {
    return 'required';
  }
  const printed: unknown = unset.data === undefined ? undefined : z.encode(kind, unset.data);
  if (typeof printed !== 'string') {
    return 'none';
  }
  return printed === '' ? 'empty' : `\`${printed}\``;
}

function meaningOf(row: SettingRow, { annotationOf }: SettingsDocsOptions): string {
  const { description, example, perPod, secret, helm } = row.meta;
  const parts = [
    description ?? '',
    example === undefined ? '' : `Example: \`${example}\`.`,
    perPod === true && annotationOf !== undefined ? `Per pod: \`${annotationOf(row)}\`.` : '',
    helm === undefined ? '' : `Helm: \`${helm}\`.`,
    secret === true ? 'Never shown.' : '',
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** A pipe would end the cell, a line break the table. */
const inCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
