import { decodeReview } from '../../webhook/review.ts';
import { readDocuments } from '../documents.ts';
import { type ExitCode, exitCode, worst } from '../exit-code.ts';
import { readText } from '../files.ts';
import { type Bench, createBench, judge, printedFinding } from '../judge.ts';
import { placed } from '../output.ts';
import type { Terminal } from '../terminal.ts';

export interface ReviewOptions {
  readonly files: readonly string[];
  readonly state: string | undefined;
  readonly now: Date | undefined;
}

/**
 * `sallyport review`: answers AdmissionReviews as the webhook would, mutate then validate, each against the state alone. One line of JSON per file, in argument
 * order: `{file, response, object, findings}`, or `{file, error: {code, message}}` for input that cannot be used and verdicts that cannot be had. Exit code 0:
 * none denied, 1: some denied, 2: some line is an error.
 */
export async function reviewFiles(options: ReviewOptions, terminal: Terminal): Promise<ExitCode> {
  const bench = await createBench(options.state, options.now, terminal);
  let code: ExitCode = exitCode.clean;
  for (const file of options.files) {
    const line = await lineOf(file, bench, terminal);
    if ('error' in line) {
      terminal.error(`${file}: ${line.error.message}\n`);
    }
    terminal.out(`${JSON.stringify(line)}\n`);
    code = worst(code, 'error' in line ? exitCode.unusable : line.response.allowed ? exitCode.clean : exitCode.denied);
  }
  return code;
}

async function lineOf(file: string, bench: Bench, terminal: Terminal) {
  const text = file === '-' ? await terminal.readInput() : await readText(file);
  if (typeof text !== 'string') {
    return errorLine(file, text.code, text.message);
  }
  const { manifests, mistakes } = readDocuments(file, text);
  const mistake = mistakes[0];
  if (mistake !== undefined) {
    return errorLine(file, 'malformed-review', placed(mistake));
  }
  const [manifest] = manifests;
  if (manifest === undefined || manifests.length > 1) {
    return errorLine(file, 'malformed-review', 'expected one AdmissionReview in a file');
  }
  const decoded = decodeReview(manifest.value);
  if (!decoded.ok) {
    return errorLine(file, decoded.problem.code, decoded.problem.message);
  }
  const { response, object, findings, undecided } = await judge(decoded.value, bench, terminal, { withCeiling: true });
  const open = undecided.filter(({ mode }) => mode === 'enforce');
  return open.length > 0
    ? errorLine(
        file,
        'undecided',
        `could not decide: ${open.map(({ rule, reason }) => `${rule} (${reason})`).join(', ')}`,
      )
    : { file, response, object, findings: findings.map(printedFinding) };
}

function errorLine(file: string, code: string, message: string) {
  return { file, error: { code, message } };
}
