import {
  type AdmissionRequest,
  gatherFacts,
  isJsonObject,
  type JsonObject,
  type JudgedFinding,
  type MemoryCluster,
  memoryCluster,
  newDecisionId,
  type Reviewed,
  type ReviewSettings,
  review,
  reviewSettings,
} from '../webhook/review.ts';
import type { Documents } from './documents.ts';
import { CliFailure } from './failures.ts';
import { readPaths } from './files.ts';
import { kindName, namespaceOf } from './kinds.ts';
import { placed } from './output.ts';
import type { Terminal } from './terminal.ts';

/** What stands for the cluster and its operator's decisions while a command judges. */
export interface Bench {
  readonly cluster: MemoryCluster;
  readonly settings: ReviewSettings;
  readonly now: Date;
}

/** A finding as every command prints it. `mode` is the effective one. */
export interface PrintedFinding {
  readonly rule: string;
  readonly path: string;
  readonly message: string;
  readonly fix: string;
  readonly mode: string;
}

/**
 * The bench of a command: the cluster that `--state` describes, empty without it, and the settings that `SALLYPORT_*` variables give, as the webhook reads them.
 * Fails with `state` when the folder, or anything in it, cannot be used: half a cluster gives wrong verdicts.
 */
export async function createBench(
  state: string | undefined,
  now: Date | undefined,
  terminal: Terminal,
): Promise<Bench> {
  const documents: Documents =
    state === undefined ? { manifests: [], mistakes: [] } : await readPaths([state], terminal);
  if (documents.mistakes.length > 0) {
    throw new CliFailure('state', documents.mistakes.map(placed).join('\n'));
  }
  const cluster = memoryCluster(documents.manifests.map(({ value }) => inItsNamespace(value)));
  return { cluster, settings: reviewSettings(terminal.environment), now: now ?? terminal.now() };
}

/** Judges one request by the webhook's own `review`, mutate then validate. */
export async function judge(
  request: AdmissionRequest,
  bench: Bench,
  terminal: Terminal,
  options: { readonly withCeiling: boolean },
): Promise<Reviewed> {
  const facts = await gatherFacts(request, bench.cluster, bench.settings.policy, bench.now);
  const known = options.withCeiling ? facts : { ...facts, rbac: undefined };
  return review(request, known, {
    half: 'both',
    settings: bench.settings,
    decisionId: newDecisionId((size) => terminal.random(size)),
  });
}

/** A finding without what only the program needs. */
export function printedFinding({ rule, path, subject, found, fix, mode }: JudgedFinding): PrintedFinding {
  return { rule, path, message: `${subject}: ${found}`, fix, mode };
}

/** The object with the namespace the API server would have put it into. */
export function inItsNamespace(object: JsonObject): JsonObject {
  const { apiVersion, kind, metadata } = object;
  const written = isJsonObject(metadata) ? metadata['namespace'] : undefined;
  const name = kindName(typeof apiVersion === 'string' ? apiVersion : '', typeof kind === 'string' ? kind : '');
  const namespace = namespaceOf(name, typeof written === 'string' && written !== '' ? written : undefined);
  return namespace === '' || !isJsonObject(metadata) ? object : { ...object, metadata: { ...metadata, namespace } };
}
