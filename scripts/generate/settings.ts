import type { SettingsShape, SettingsTable } from '../../runtime/settings/define-settings.ts';
import { printSettingsTable } from '../../runtime/settings/print-docs.ts';
import { annotationOf } from '../../webhook/injection/author-annotations.ts';

/** One program's settings, under the heading they get. */
export interface ProgramSettings {
  readonly program: string;
  readonly table: SettingsTable<SettingsShape>;
}

const preface = `# Settings

Printed from the tables of the programs (\`*/settings.ts\`); change those and run \`npm run generate\`.

Every program reads its settings from its environment, once, before anything listens. A mistake ends it: one message lists all of them, each with its variable,
what was read and what is expected. An unknown variable that begins with \`SALLYPORT_\` is a mistake too. No setting holds a credential, only paths to files that
do. Durations are written \`250ms\`, \`10s\`, \`1m30s\`, \`24h\`. *Per pod* names the annotation by which a pod's author may set it, within the same bounds.`;

/** `docs/settings.md`: the settings of every program given, in that order. */
export function printSettingsDocs(tables: readonly ProgramSettings[]): string {
  const sections = tables.map(({ program, table }) => {
    const docs = printSettingsTable(table, { annotationOf: ({ path }) => annotationOf(path.join('.')) });
    return `## ${program}\n\n${docs}`;
  });
  return `${[preface, ...sections].join('\n\n')}\n`;
}
