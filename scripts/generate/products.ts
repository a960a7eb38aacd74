import { authoritySettings } from '../../authority/settings.ts';
import { sidecarSettings } from '../../sidecar/settings.ts';
import { webhookSettings } from '../../webhook/settings.ts';
import { printAuditEventsDocs } from './audit-events.ts';
import { printErrorsDocs } from './errors.ts';
import { printMetricsDocs } from './metrics.ts';
import { printRulesDocs } from './rules.ts';
import { printSettingsDocs } from './settings.ts';

/** A file that is printed from code: where it lies, from the root of the repository, and its whole text. */
export interface Product {
  readonly path: string;
  print(): string;
}

/** Everything that `npm run generate` writes and `npm run ok` compares. */
export const products: readonly Product[] = [
  { path: 'docs/rules.md', print: printRulesDocs },
  {
    path: 'docs/settings.md',
    print: () =>
      printSettingsDocs([
        { program: 'webhook', table: webhookSettings },
        { program: 'authority', table: authoritySettings },
        { program: 'sidecar', table: sidecarSettings },
      ]),
  },
  { path: 'docs/errors.md', print: printErrorsDocs },
  { path: 'docs/audit-events.md', print: printAuditEventsDocs },
  { path: 'docs/metrics.md', print: printMetricsDocs },
];
