import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Place } from './documents.ts';
import type { PrintedFinding } from './judge.ts';

/** Where an object came from and what it is. */
export interface CheckedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly file: string;
  readonly document: number;
}

/** One object of `sallyport check`. */
export interface CheckResult {
  readonly object: CheckedObject;
  readonly decision: 'allowed' | 'denied';
  readonly findings: readonly PrintedFinding[];
  readonly warnings: readonly string[];
  /** What to submit where the remedy is none: a ready Exemption in YAML, for the form that a person reads. */
  readonly exemption?: string | undefined;
  /** The line of a finding's path in the file. */
  lineOf(path: string): number;
}

/** `file:line: document N: message`, the form of every diagnostic about input. */
export function placed({ file, line, document, message }: Place & { readonly message: string }): string {
  return `${file}:${line}: document ${document}: ${message}`;
}

/** The JSON form of `check`. */
export function printJson(results: readonly CheckResult[]): string {
  const plain = results.map(({ object, decision, findings, warnings }) => ({ object, decision, findings, warnings }));
  return `${JSON.stringify({ results: plain }, null, 2)}\n`;
}

/** The form for a person: one line per object, its findings below, a sum at the end. */
export function printText(results: readonly CheckResult[]): string {
  const denied = results.filter(({ decision }) => decision === 'denied').length;
  return `${[...results.flatMap(textOf), `${results.length} judged, ${denied} denied`].join('\n')}\n`;
}

function textOf({ object, decision, findings, warnings, exemption, lineOf }: CheckResult): readonly string[] {
  const { kind, namespace, name, file } = object;
  return [
    `${decision}  ${kind} ${namespace === '' ? name : `${namespace}/${name}`}  (${file}:${lineOf('')})`,
    ...findings.flatMap((finding) => [
      `  ${finding.mode}  [${finding.rule}] ${finding.message}  (${file}:${lineOf(finding.path)} ${finding.path})`,
      `    Fix: ${finding.fix}`,
    ]),
    ...warnings.map((warning) => `  note  ${warning}`),
    ...(exemption === undefined
      ? []
      : [
          '    Where that cannot be: complete this, submit it, and have it approved by somebody else.',
          ...indented(exemption),
        ]),
  ];
}

function indented(text: string): readonly string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `      ${line}`);
}

const levels: Readonly<Record<string, string>> = { enforce: 'error', warn: 'warning', audit: 'note' };

/** SARIF 2.1.0, without snippets: a snippet would repeat what was found. */
export function printSarif(results: readonly CheckResult[]): string {
  const ids = [...new Set(results.flatMap(({ findings }) => findings.map(({ rule }) => rule)))].sort();
  const run = {
    tool: {
      driver: {
        name: 'sallyport',
        informationUri: 'https://sallyport.dev',
        rules: ids.map((id) => ({ id, helpUri: `https://sallyport.dev/rules#${id}` })),
      },
    },
    results: results.flatMap((result) => result.findings.map((finding) => sarifResult(result, finding))),
  };
  return `${JSON.stringify({ $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] }, null, 2)}\n`;
}

function sarifResult({ object, lineOf }: CheckResult, { rule, path, message, fix, mode }: PrintedFinding): object {
  const { namespace, kind, name, file } = object;
  return {
    ruleId: rule,
    level: levels[mode] ?? 'note',
    message: { text: `${message}. Fix: ${fix}` },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: uriOf(file) }, region: { startLine: lineOf(path) } },
        logicalLocations: [
          { fullyQualifiedName: `${namespace === '' ? '' : `${namespace}/`}${kind}/${name}${path}`, kind: 'object' },
        ],
      },
    ],
  };
}

/** A relative reference as SARIF wants it; an absolute path as a file URI. */
function uriOf(file: string): string {
  return isAbsolute(file) ? pathToFileURL(file).href : file.split('/').map(encodeURIComponent).join('/');
}
