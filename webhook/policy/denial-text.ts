import type { Finding } from './finding.ts';
import { printable } from './shown-name.ts';

/** What a denial is told about. `namespace` is empty for cluster-scoped objects. `decisionId`: ten characters, see `printDecisionId`. */
export interface Denial {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly findings: readonly Pick<Finding, 'rule' | 'subject' | 'found' | 'fix'>[];
  /** Sentences about exemptions that were meant to help; one is shown. */
  readonly hints?: readonly string[];
  readonly decisionId: string;
  readonly rulesUrl: string;
}

const shownFindings = 5;
const longestBytes = 4096;
/** Summary, hint and last line; what the findings may not use up. */
const reservedBytes = 800;
const longestName = 253;
const longestHint = 240;

/**
 * What a developer reads at the terminal: a summary, one line per finding (five, then how many more), and where to ask. Printable ASCII and line feeds only, at
 * most 4096 bytes whatever the object is called. Holds nothing but what findings hold: no values.
 */
export function denialText(denial: Denial): string {
  const { findings } = denial;
  const lineBytes = Math.floor((longestBytes - reservedBytes) / shownFindings) - 1;
  const lines = findings.slice(0, shownFindings).map((finding) => clip(findingLine(finding), lineBytes));
  const rest = findings.length - lines.length;
  const more = rest > 0 ? [`and ${rest} more`] : [];
  const hints = (denial.hints ?? []).slice(0, 1).map((hint) => clip(printable(hint), longestHint));
  return [summary(denial), ...lines, ...more, ...hints, lastLine(denial)].join('\n');
}

function summary({ kind, namespace, name, findings }: Denial): string {
  const object = clip(printable(namespace === '' ? name : `${namespace}/${name}`), longestName);
  const count = findings.length === 1 ? '1 finding' : `${findings.length} findings`;
  return `Sallyport refused ${clip(printable(kind), 64)} ${object === '' ? '(without a name)' : object} (${count})`;
}

/** `[rule-id] subject: what was found. Fix: what to do.` The form of findings everywhere: denial, warning, command line. */
export function findingLine({ rule, subject, found, fix }: Denial['findings'][number]): string {
  return printable(`[${rule}] ${subject}: ${found}. Fix: ${fix}`);
}

/** The id as it is told and as it is searched for. */
function lastLine({ decisionId, rulesUrl }: Denial): string {
  return `Decision ${printDecisionId(decisionId)} (decisionId ${decisionId} in the audit log)   Rules: ${rulesUrl}`;
}

/** `8F3K2M9Q7C` as a person reads it over the telephone: `8F3K-2M9Q-7C`. */
export function printDecisionId(id: string): string {
  return id.match(/.{1,4}/g)?.join('-') ?? '';
}

function clip(line: string, longest: number): string {
  return line.length <= longest ? line : `${line.slice(0, longest - 3)}...`;
}
