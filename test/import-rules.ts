/*
 * Who may import whom, as data; `architecture.test.ts` holds the code to it. The first row whose `files` match a file speaks for it.
 * `ours` are path prefixes in the repository (a trailing `.ts` is one file); `others` are packages and `node:` modules needed at run time.
 * Types may be imported from any package, except in the sidecar, and of ours by the same rows as values.
 */

export interface ImportRow {
  /** Path prefixes this row speaks for. */
  readonly files: readonly string[];
  readonly ours: readonly string[];
  readonly others: readonly string[];
  readonly reason: string;
}

const leaves = ['runtime/parsed.ts', 'runtime/failure.ts', 'runtime/secret.ts'];
const resources = 'manifests/resources/';
const node = 'node:';

/** Ports, contexts and the request are declared where judgements are made; every pure folder of the webhook may name their types. */
const vocabulary = ['webhook/policy/', 'webhook/annotations.ts', 'webhook/admission/request.ts'];

export const importRows: readonly ImportRow[] = [
  {
    files: ['runtime/secret.ts'],
    ours: [],
    others: ['node:util', 'node:crypto'],
    reason: 'a leaf, importable from anywhere',
  },
  {
    files: ['runtime/parsed.ts', 'runtime/failure.ts'],
    ours: [],
    others: [],
    reason: 'leaves, importable from anywhere',
  },
  {
    files: ['runtime/cluster/'],
    ours: ['runtime/'],
    others: [node, 'zod', '@kubernetes/client-node'],
    reason: 'the one place that speaks to the API server',
  },
  {
    files: ['runtime/health-app.ts'],
    ours: ['runtime/'],
    others: ['express'],
    reason: 'health and metrics as every program serves them',
  },
  {
    files: ['runtime/'],
    ours: ['runtime/'],
    others: [node, 'pino', 'zod', 'prom-client'],
    reason: 'what any long-running program needs; knows nothing of SPIFFE or Kubernetes',
  },
  {
    files: ['spiffe/'],
    ours: ['spiffe/', ...leaves],
    others: ['node:crypto'],
    reason: 'the vocabulary: no I/O, no clock, no logging',
  },
  { files: ['audit/segments/'], ours: ['audit/', 'runtime/'], others: [node], reason: 'where the log lies' },
  {
    files: ['audit/'],
    ours: ['audit/', 'spiffe/', 'runtime/'],
    others: ['zod', 'node:crypto'],
    reason: 'the event vocabulary and its log',
  },
  {
    files: [resources, 'manifests/'],
    ours: ['manifests/', 'spiffe/', ...leaves],
    others: ['zod'],
    reason: 'custom resources, defined once',
  },
  {
    files: ['webhook/annotations.ts', 'webhook/admission/request.ts'],
    ours: ['webhook/annotations.ts', 'webhook/admission/request.ts'],
    others: [],
    reason: 'plain vocabulary of gate 1',
  },
  {
    files: ['webhook/rules/all-rules.ts'],
    ours: ['webhook/rules/', 'webhook/policy/rule.ts'],
    others: [],
    reason: 'the catalogue: it alone imports the rules',
  },
  {
    files: ['webhook/rules/'],
    ours: [
      ...vocabulary,
      'webhook/rules/all-rules.ts',
      'webhook/ceiling/',
      'webhook/credentials/',
      'webhook/deployer/',
      resources,
      'spiffe/',
      ...leaves,
    ],
    others: [],
    reason: 'rules are pure: they never log, await, read or decide, and never import each other',
  },
  {
    files: ['webhook/policy/'],
    ours: [
      ...vocabulary,
      'webhook/ceiling/',
      'webhook/credentials/',
      'webhook/deployer/',
      'webhook/rules/all-rules.ts',
      resources,
      'spiffe/',
      ...leaves,
    ],
    others: ['node:crypto'],
    reason: 'judgement is pure',
  },
  {
    files: ['webhook/ceiling/', 'webhook/credentials/', 'webhook/deployer/'],
    ours: [
      ...vocabulary,
      'webhook/ceiling/',
      'webhook/credentials/',
      'webhook/deployer/',
      resources,
      'spiffe/',
      ...leaves,
    ],
    others: ['node:crypto'],
    reason: 'judgement is pure',
  },
  {
    files: ['webhook/injection/'],
    ours: [
      ...vocabulary,
      'webhook/injection/',
      'webhook/deployer/',
      'sidecar/settings.ts',
      'runtime/settings/',
      resources,
      'spiffe/',
      ...leaves,
    ],
    others: ['fast-json-patch', 'node:crypto'],
    reason: 'pod in, pod out',
  },
  {
    files: ['webhook/evaluator.ts', 'webhook/review.ts'],
    ours: [
      'webhook/evaluator.ts',
      ...vocabulary,
      'webhook/rules/',
      'webhook/ceiling/',
      'webhook/credentials/',
      'webhook/deployer/',
      'webhook/injection/',
      'webhook/admission/',
      'webhook/server/admission-review.ts',
      resources,
      'spiffe/',
      ...leaves,
    ],
    others: [],
    reason: 'the published contract: pure',
  },
  {
    files: ['webhook/admission/'],
    ours: ['webhook/', 'audit/event.ts', 'audit/log.ts', 'runtime/', 'spiffe/', resources],
    others: ['node:crypto'],
    reason: 'the one flow: no HTTP, no client library',
  },
  {
    files: ['webhook/server/', 'webhook/cluster/', 'webhook/serving/'],
    ours: ['webhook/', 'audit/', 'runtime/', 'spiffe/', 'manifests/', 'authority/client/'],
    others: [node, 'express', 'zod', '@kubernetes/client-node'],
    reason: 'edges',
  },
  {
    files: ['authority/client/'],
    ours: ['authority/client/', 'spiffe/', 'runtime/'],
    others: ['zod', 'node:https', 'node:tls', 'node:http'],
    reason: 'the published contract of the authority',
  },
  {
    files: ['authority/entitlement/', 'authority/peers/', 'authority/bundles/'],
    ours: ['authority/', 'spiffe/', 'runtime/', 'audit/event.ts', 'audit/log.ts', resources],
    others: ['node:crypto'],
    reason: 'who gets which identity, and who may call whom',
  },
  {
    files: ['authority/issuance/', 'authority/keys/', 'authority/attestation/'],
    ours: ['authority/', 'spiffe/', 'runtime/', 'audit/event.ts', 'audit/log.ts', resources],
    others: ['node:crypto', 'zod'],
    reason: 'attests, issues, keeps keys',
  },
  {
    files: ['authority/server/', 'authority/cluster/'],
    ours: ['authority/', 'audit/', 'spiffe/', 'runtime/', 'manifests/'],
    others: [node, 'express', 'zod', '@kubernetes/client-node'],
    reason: 'edges',
  },
  {
    files: ['sidecar/settings.ts'],
    ours: ['spiffe/', 'runtime/settings/', ...leaves],
    others: ['zod'],
    reason: 'a published contract: the injector reads it',
  },
  {
    files: ['sidecar/access/', 'sidecar/peers/'],
    ours: ['sidecar/', 'spiffe/', 'runtime/', 'authority/client/'],
    others: [],
    reason: 'judgement of a connection is pure',
  },
  {
    files: ['sidecar/'],
    ours: ['sidecar/', 'spiffe/', 'runtime/', 'audit/', 'authority/client/'],
    others: [node, 'express', 'zod'],
    reason: 'in every pod: no Kubernetes client',
  },
  {
    files: ['webhook/'],
    ours: ['webhook/', 'audit/', 'runtime/', 'spiffe/', 'manifests/', 'authority/client/', 'sidecar/settings.ts'],
    others: [node, 'express', 'zod'],
    reason: 'composition root',
  },
  {
    files: ['authority/'],
    ours: ['authority/', 'audit/', 'runtime/', 'spiffe/', 'manifests/'],
    others: [node, 'zod'],
    reason: 'composition root',
  },
  {
    files: ['cli/'],
    ours: ['cli/', 'spiffe/', 'runtime/', 'audit/', 'manifests/', 'authority/client/', 'webhook/review.ts'],
    others: [node, 'zod', 'yaml'],
    reason: 'judges by the webhook’s own review.ts and nothing else of the programs',
  },
];

/** Files that may import everything: they span the parts on purpose. */
export const unbounded = ['test/', 'scripts/', 'vitest.config.ts'];

/** Folders where an identity is decided: parsed values and exact comparison, never a regular expression. */
export const withoutRegExp = ['spiffe/', 'sidecar/access/', 'sidecar/peers/', 'authority/entitlement/'];

/** The only files that touch the process, the wall clock, timers or randomness. */
export const mayTouchProcess = ['runtime/clock.ts', 'runtime/random.ts'];
