import { z } from 'zod';
import type { SettingsShape, SettingsTable, SettingsValues } from './define-settings.ts';

/** The variables that `readSettings` reads back to the same values; members that are undefined are left out. */
export function printEnvironment<Shape extends SettingsShape>(
  table: SettingsTable<Shape>,
  values: SettingsValues<Shape>,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const { path, variable, kind } of table.rows) {
    const value = path.reduce<unknown>((tree, name) => memberOf(tree, name), values);
    const printed: unknown = value === undefined ? undefined : z.encode(kind, value);
    if (typeof printed === 'string') {
      environment[variable] = printed;
    }
  }
  return environment;
}

function memberOf(tree: unknown, name: string): unknown {
  return typeof tree === 'object' && tree !== null && Object.hasOwn(tree, name) ? Reflect.get(tree, name) : undefined;
}
