import {
  type AdmissionRequest,
  type JsonObject,
  printExemptionManifest,
  type Requester,
  type Reviewed,
} from '../../webhook/review.ts';
import type { Manifest, Mistake } from '../documents.ts';
import { type ExitCode, exitCode, worst } from '../exit-code.ts';
import { readPaths } from '../files.ts';
import { type Bench, createBench, inItsNamespace, judge, printedFinding } from '../judge.ts';
import { applyRank, type KindName, kindName, resourceOf } from '../kinds.ts';
import { type CheckResult, placed, printJson, printSarif, printText } from '../output.ts';
import type { Terminal } from '../terminal.ts';

export interface CheckOptions {
  readonly paths: readonly string[];
  readonly state: string | undefined;
  readonly as: string | undefined;
  readonly asGroups: readonly string[];
  readonly output: 'text' | 'json' | 'sarif';
  readonly now: Date | undefined;
}

const printers = { text: printText, json: printJson, sarif: printSarif } as const;

/**
 * `sallyport check`: judges manifests as CREATE requests by one user, in the order they would be applied; what is allowed joins the state for what comes after.
 * Prints the results in input order. Exit code 0: none denied, 1: some denied, 2: some input could not be used (the rest is judged all the same).
 */
export async function check(options: CheckOptions, terminal: Terminal): Promise<ExitCode> {
  const bench = await createBench(options.state, options.now, terminal);
  const { manifests, mistakes } = await readPaths(options.paths, terminal);
  const candidates = manifests.map((manifest) => candidateOf(manifest));
  const unusable = [...mistakes, ...candidates.flatMap((candidate) => ('code' in candidate ? [candidate] : []))];
  const usable = candidates.flatMap((candidate) => ('code' in candidate ? [] : [candidate]));
  const results = await judgeInOrder(usable, options, bench, terminal);
  for (const mistake of unusable) {
    terminal.error(`${placed(mistake)}\n`);
  }
  if (options.as === undefined && usable.length > 0) {
    terminal.error('without --as nobody deploys: no ceiling was judged\n');
  }
  terminal.out(printers[options.output](results));
  const isDenied = results.some(({ decision }) => decision === 'denied');
  return worst(isDenied ? exitCode.denied : exitCode.clean, unusable.length > 0 ? exitCode.unusable : exitCode.clean);
}

interface Candidate {
  readonly manifest: Manifest;
  readonly kind: KindName;
  readonly object: JsonObject;
  readonly namespace: string;
  readonly name: string;
}

function candidateOf(manifest: Manifest): Candidate | Mistake {
  const { apiVersion, kind, metadata } = manifest.value;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || apiVersion === '' || kind === '') {
    return mistake(manifest, 'no apiVersion and kind: not a Kubernetes object');
  }
  if (typeof metadata !== 'object' || metadata === null) {
    return mistake(manifest, `${kind} without metadata`);
  }
  const object = inItsNamespace(manifest.value);
  const [namespace, name] = [textMember(object['metadata'], 'namespace'), textMember(object['metadata'], 'name')];
  if (name === '' && textMember(object['metadata'], 'generateName') === '') {
    return mistake(manifest, `${kind} without a name`);
  }
  return { manifest, kind: kindName(apiVersion, kind), object, namespace, name };
}

function mistake({ file, document, line }: Manifest, message: string): Mistake {
  return { file, document, line, code: 'not-an-object', message };
}

function textMember(value: unknown, member: string): string {
  const found: unknown =
    typeof value === 'object' && value !== null
      ? Object.entries(value).find(([key]) => key === member)?.[1]
      : undefined;
  return typeof found === 'string' ? found : '';
}

async function judgeInOrder(
  candidates: readonly Candidate[],
  options: CheckOptions,
  bench: Bench,
  terminal: Terminal,
): Promise<readonly CheckResult[]> {
  const judged = new Map<Candidate, CheckResult>();
  const requester = requesterOf(options);
  for (const candidate of candidates.toSorted((left, right) => applyRank(left.kind) - applyRank(right.kind))) {
    const request = requestOf(candidate, requester);
    const reviewed = await judge(request, bench, terminal, {
      withCeiling: options.as !== undefined,
    });
    if (reviewed.response.allowed) {
      bench.cluster.put(inItsNamespace(reviewed.object ?? candidate.object));
    }
    judged.set(candidate, {
      object: describe(candidate),
      decision: reviewed.response.allowed ? 'allowed' : 'denied',
      findings: reviewed.findings.map(printedFinding),
      warnings: [
        ...reviewed.notes,
        ...(reviewed.undecided.length > 0 ? ['the ceiling was not judged: nobody deploys without --as'] : []),
      ],
      exemption: printExemptionManifest({ request, findings: enforcedIn(reviewed), now: bench.now }),
      lineOf: candidate.manifest.lineOf,
    });
  }
  return candidates.flatMap((candidate) => judged.get(candidate) ?? []);
}

function enforcedIn({ findings }: Reviewed): Reviewed['findings'] {
  return findings.filter(({ mode }) => mode === 'enforce');
}

function describe({ manifest, kind, namespace, name, object }: Candidate): CheckResult['object'] {
  return {
    apiVersion: kind.group === '' ? kind.version : `${kind.group}/${kind.version}`,
    kind: kind.kind,
    namespace,
    name: name === '' ? textMember(object['metadata'], 'generateName') : name,
    file: manifest.file,
    document: manifest.document,
  };
}

/** The CREATE request that applying the manifest would be. For a Namespace, `namespace` is its own name, as the API server sends it. */
function requestOf({ kind, object, namespace, name }: Candidate, requester: Requester): AdmissionRequest {
  return {
    uid: 'check',
    kind,
    requestKind: kind,
    resource: resourceOf(kind),
    subResource: '',
    name,
    namespace: kind.group === '' && kind.kind === 'Namespace' ? name : namespace,
    operation: 'CREATE',
    requester,
    object,
    oldObject: null,
    options: null,
    dryRun: false,
  };
}

/** Everybody is `system:authenticated`; an account is in its own groups too. */
function requesterOf({ as, asGroups }: CheckOptions): Requester {
  const username = as ?? '';
  const [, , namespace, name] = username.startsWith('system:serviceaccount:') ? username.split(':') : [];
  const accountGroups =
    namespace === undefined || name === undefined
      ? []
      : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  const groups = as === undefined ? [...asGroups] : [...asGroups, ...accountGroups, 'system:authenticated'];
  return { username, uid: '', groups: [...new Set(groups)], extra: {} };
}
