import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly json: boolean;
  readonly keep: boolean;
}

export const usage = 'usage: npm run demo -- [--json] [--keep]';

/** Throws `TypeError` with a sentence for a person when the arguments make no sense. */
export function parseOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false } },
  });
  return values;
}
