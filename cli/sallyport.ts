import { parseArgs } from 'node:util';
import { SettingsFailure } from '../runtime/settings/read-settings.ts';
import { check } from './commands/check.ts';
import { reviewFiles } from './commands/review.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { CliFailure } from './failures.ts';
import type { Terminal } from './terminal.ts';

/** What the program says when asked, or when it did not understand. */
export const usage = `usage:
  sallyport check PATH... [--state DIR] [--as USER] [--as-group GROUP]... [-o text|json|sarif] [--now TIME]
  sallyport review FILE... [--state DIR] [-o json] [--now TIME]

check judges manifests (files, folders, - for standard input) as if USER applied them; review answers AdmissionReviews.
--state DIR: manifests that stand for the cluster. --now TIME: RFC 3339, in place of the clock.
Exit code 0: none denied, 1: some denied, 2: usage, or input that could not be used.
`;

/** Runs one command. \`args\`: without program and script. Gives the exit code; diagnostics go to \`terminal.error\`. */
export async function sallyport(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    return await run(args, terminal);
  } catch (error) {
    if (error instanceof CliFailure || error instanceof SettingsFailure) {
      terminal.error(`${error.message}\n${error.code === 'usage' ? `\n${usage}` : ''}`);
      return exitCode.unusable;
    }
    throw error;
  }
}

function run([command, ...rest]: readonly string[], terminal: Terminal): Promise<ExitCode> | ExitCode {
  switch (command) {
    case 'check':
      return runCheck(rest, terminal);
    case 'review':
      return runReview(rest, terminal);
    case 'help':
    case '--help':
    case '-h':
      terminal.out(usage);
      return exitCode.clean;
    default:
      throw new CliFailure('usage', command === undefined ? 'no command' : `unknown command "${command}"`);
  }
}

const common = { state: { type: 'string' }, now: { type: 'string' }, output: { type: 'string', short: 'o' } } as const;

function runCheck(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { values, positionals } = parsed(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...common, as: { type: 'string' }, 'as-group': { type: 'string', multiple: true } },
    }),
  );
  const asGroups = values['as-group'] ?? [];
  if (asGroups.length > 0 && values.as === undefined) {
    throw new CliFailure('usage', '--as-group needs --as');
  }
  return check(
    {
      paths: atLeastOne(positionals, 'PATH'),
      state: values.state,
      as: values.as,
      asGroups,
      output: oneOf(values.output ?? 'text', ['text', 'json', 'sarif']),
      now: timeOf(values.now),
    },
    terminal,
  );
}

function runReview(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { values, positionals } = parsed(() => parseArgs({ args: [...args], allowPositionals: true, options: common }));
  oneOf(values.output ?? 'json', ['json']);
  return reviewFiles(
    { files: atLeastOne(positionals, 'FILE'), state: values.state, now: timeOf(values.now) },
    terminal,
  );
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new CliFailure('usage', error instanceof Error ? error.message : 'not understood', { cause: error });
  }
}

function atLeastOne(paths: readonly string[], word: string): readonly string[] {
  if (paths.length === 0) {
    throw new CliFailure('usage', `no ${word}`);
  }
  return paths;
}

function oneOf<const Word extends string>(text: string, words: readonly Word[]): Word {
  const word = words.find((candidate) => candidate === text);
  if (word === undefined) {
    throw new CliFailure('usage', `-o ${text}: expected ${words.join(', ')}`);
  }
  return word;
}

/** RFC 3339 with its zone; a date alone or a local time would be another one elsewhere. */
function timeOf(text: string | undefined): Date | undefined {
  if (text === undefined) {
    return undefined;
  }
  const time = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(time)) {
    throw new CliFailure('usage', `--now ${text}: expected a time such as 2027-01-31T12:00:00Z`);
  }
  return new Date(time);
}
