import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sallyport } from './sallyport.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a file below the test's folder and gives its path. */
function file(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

async function run(
  args: readonly string[],
  { input = '', environment = {} }: { input?: string; environment?: Readonly<Record<string, string>> } = {},
) {
  let [out, error] = ['', ''];
  const code = await sallyport(args, {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
    readInput: () => Promise.resolve(input),
    now: () => new Date('2027-01-01T12:00:00Z'),
    random: (size) => new Uint8Array(size),
    environment,
  });
  return { code, out, error };
}

const checked = z.strictObject({
  results: z.array(
    z.strictObject({
      object: z.strictObject({
        apiVersion: z.string(),
        kind: z.string(),
        namespace: z.string(),
        name: z.string(),
        file: z.string(),
        document: z.int(),
      }),
      decision: z.enum(['allowed', 'denied']),
      findings: z.array(
        z.strictObject({
          rule: z.string(),
          path: z.string(),
          message: z.string(),
          fix: z.string(),
          mode: z.enum(['audit', 'warn', 'enforce']),
        }),
      ),
      warnings: z.array(z.string()),
    }),
  ),
});
const results = (out: string) => checked.parse(JSON.parse(out)).results;

const reviewed = z.strictObject({
  file: z.string(),
  response: z.looseObject({ uid: z.string(), allowed: z.boolean() }),
  object: z.looseObject({}).nullable(),
  findings: z.array(
    z.strictObject({ rule: z.string(), path: z.string(), message: z.string(), fix: z.string(), mode: z.string() }),
  ),
});
const failed = z.strictObject({ file: z.string(), error: z.strictObject({ code: z.string(), message: z.string() }) });
const lines = (out: string) =>
  out
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

const namespace =
  'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: { sallyport.dev/identity: enabled } }\n';
const clean =
  'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: words, namespace: shop }\ndata: { greeting: hello }\n';
const secret =
  'apiVersion: v1\nkind: Secret\nmetadata: { name: db, namespace: shop }\nstringData:\n  password: correct-horse-9\n';
const deployment = (account: string): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { serviceAccountName: ${account}, containers: [{ name: web, image: web }] }
`;
const grant = (name: string, subject: string): string => `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: ${name}, namespace: shop }
rules: [{ apiGroups: [""], resources: [secrets], verbs: [get] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: ${name}, namespace: shop }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: ${name} }
subjects: [${subject}]
`;
const all = (...documents: readonly string[]): string => documents.join('---\n');

describe('sallyport check', () => {
  it('exits 0 when nothing is denied, 1 when something is, with the JSON form of the contract', async () => {
    const path = file('mixed/all.yaml', all(namespace, clean, secret));
    expect((await run(['check', file('clean.yaml', all(namespace, clean))])).code).toBe(0);
    const { code, out } = await run(['check', path, '-o', 'json']);
    expect(code).toBe(1);
    expect(results(out)).toMatchObject([
      {
        object: { kind: 'Namespace', namespace: '', name: 'shop', document: 0 },
        decision: 'allowed',
        findings: [],
        warnings: [],
      },
      { object: { kind: 'ConfigMap', document: 1 }, decision: 'allowed' },
      {
        object: { apiVersion: 'v1', kind: 'Secret', namespace: 'shop', name: 'db', file: path, document: 2 },
        decision: 'denied',
        findings: [{ rule: 'static-credential-secret', path: '/stringData/password', mode: 'enforce' }],
      },
    ]);
    expect(out).not.toContain('correct-horse');
  });

  it('reads folders by name, recursively, and standard input', async () => {
    file('tree/b.yml', clean);
    file(
      'tree/a/x.json',
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'json', namespace: 'shop' } }),
    );
    file('tree/ignored.txt', 'no manifest');
    const { out } = await run(['check', '-o', 'json', join(folder, 'tree'), '-'], { input: secret });
    expect(results(out).map(({ object }) => [object.name, object.file.split('/').at(-1)])).toEqual([
      ['json', 'x.json'],
      ['words', 'b.yml'],
      ['db', '-'],
    ]);
  });

  it('judges in the order of application, prints in the order of input', async () => {
    const reversed = all(
      deployment('powerful'),
      grant('powerful', '{ kind: ServiceAccount, name: powerful, namespace: shop }'),
      namespace,
    );
    const { out } = await run(['check', '-o', 'json', '--as', 'alice', file('reversed.yaml', reversed)]);
    expect(results(out).map(({ object, decision }) => [object.kind, decision])).toEqual([
      ['Deployment', 'denied'],
      ['Role', 'allowed'],
      ['RoleBinding', 'allowed'],
      ['Namespace', 'allowed'],
    ]);
    expect(results(out)[0]?.findings.map(({ rule }) => rule)).toEqual(['workload-ceiling']);
  });

  it('lets only what was allowed join the state', async () => {
    const legacy =
      'apiVersion: v1\nkind: Secret\nmetadata: { name: old, namespace: shop }\ntype: kubernetes.io/service-account-token\n';
    const user =
      'apiVersion: v1\nkind: Pod\nmetadata: { name: web, namespace: shop }\nspec: { containers: [{ name: web, image: web, envFrom: [{ secretRef: { name: old } }] }] }\n';
    const { out } = await run(['check', '-o', 'json', file('joins.yaml', all(namespace, legacy, user))]);
    expect(results(out).map(({ decision }) => decision)).toEqual(['allowed', 'denied', 'allowed']);
    const state = join(file('legacy-state/secret.yaml', legacy), '..');
    const known = await run(['check', '-o', 'json', '--state', state, file('user.yaml', all(namespace, user))]);
    expect(results(known.out)[1]).toMatchObject({ decision: 'denied', findings: [{ rule: 'legacy-token-mount' }] });
  });

  it('judges the ceiling of --as with --as-group, and none without, saying so', async () => {
    const state = join(
      file(
        'ceiling-state/rbac.yaml',
        all(
          namespace,
          grant('powerful', '{ kind: ServiceAccount, name: powerful, namespace: shop }'),
          grant('people', '{ apiGroup: rbac.authorization.k8s.io, kind: Group, name: team-a }'),
        ),
      ),
      '..',
    );
    const path = file('deployment.yaml', deployment('powerful'));
    expect((await run(['check', path, '--state', state, '--as', 'alice'])).code).toBe(1);
    expect(
      (await run(['check', path, '--state', state, '--as', 'alice', '--as-group', 'team-a', '--as-group', 'team-b']))
        .code,
    ).toBe(0);
    expect((await run(['check', path, '--state', state, '--as', 'system:serviceaccount:shop:powerful'])).code).toBe(0);
    const { code, out, error } = await run(['check', '-o', 'json', path, '--state', state]);
    expect(code).toBe(0);
    expect(results(out)[0]?.warnings.join()).toContain('ceiling was not judged');
    expect(error).toContain('--as');
  });

  it('holds a namespace that the state lacks to be opted in, with a warning', async () => {
    const { out } = await run(['check', '-o', 'json', file('lone.yaml', secret)]);
    expect(results(out)[0]).toMatchObject({
      decision: 'denied',
      warnings: ['namespace "shop" is not known: held to be opted in'],
    });
  });

  it('puts an object without a namespace into default, and a cluster-scoped one into none', async () => {
    const manifests = all(
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: here }\n',
      'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: { name: reader }\n',
    );
    const { out } = await run(['check', '-o', 'json', file('default.yaml', manifests)]);
    expect(results(out).map(({ object }) => object.namespace)).toEqual(['default', '']);
  });

  it('lifts findings by an approved exemption of the state, until --now passes its end', async () => {
    const binding = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: auditors }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: Group, name: auditors }]
`;
    const exemption = `apiVersion: sallyport.dev/v1alpha1
kind: Exemption
metadata: { name: auditors }
spec:
  rules: [cluster-role-binding-justification]
  scope:
  - apiGroup: rbac.authorization.k8s.io
    kind: ClusterRoleBinding
    name: auditors
    grant: { roleRef: { kind: ClusterRole, name: view }, subjects: [{ kind: Group, name: auditors }] }
  justification: The yearly audit reads every namespace.
  ticket: { system: tracker, id: OPS-1 }
  category: waiver
  owner: { team: platform, contact: platform@example.org }
  expiresAt: 2027-01-15T12:00:00Z
  requestedBy: { username: alice, uid: "" }
status: { approval: { decision: approved, by: bob, byUid: "", at: 2027-01-01T00:00:00Z, generation: 1 } }
`;
    const state = join(file('exempt-state/exemption.yaml', exemption), '..');
    const path = file('binding.yaml', binding);
    const { code, out } = await run(['check', '-o', 'json', path, '--state', state]);
    expect(code).toBe(0);
    expect(results(out)[0]).toMatchObject({
      findings: [],
      warnings: ['[cluster-role-binding-justification] allowed by exemption "auditors" until 2027-01-15T12:00:00Z'],
    });
    expect((await run(['check', path, '--state', state, '--now', '2027-01-15T12:00:00Z'])).code).toBe(1);
    const itself = await run(['check', '-o', 'json', path, file('approved-itself.yaml', exemption)]);
    expect(results(itself.out)[0]).toMatchObject({ object: { name: 'auditors' }, decision: 'denied' });
  });

  it('follows the settings of the environment', async () => {
    const path = file(
      'crb.yaml',
      'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: { name: b }\nroleRef: { kind: ClusterRole, name: view }\nsubjects: [{ kind: User, name: bob }]\n',
    );
    expect((await run(['check', path])).code).toBe(1);
    expect((await run(['check', path], { environment: { SALLYPORT_CLUSTER_POLICY: 'warn' } })).code).toBe(0);
    const wrong = await run(['check', path], { environment: { SALLYPORT_CLUSTER_POLICY: 'maybe' } });
    expect(wrong.code).toBe(2);
    expect(wrong.error).toContain('SALLYPORT_CLUSTER_POLICY');
  });

  it('exits 2 on input that cannot be used, names file, line and document, and judges the rest', async () => {
    const bad = file(
      'bad.yaml',
      all(clean, 'kind: Pod\nkind: Secret\n', 'hello\n', 'apiVersion: v1\nkind: Pod\n', secret),
    );
    const template = file('template.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n');
    const { code, out, error } = await run(['check', '-o', 'json', bad, template, join(folder, 'absent.yaml')]);
    expect(code).toBe(2);
    expect(results(out).map(({ object, decision }) => [object.kind, decision])).toEqual([
      ['ConfigMap', 'allowed'],
      ['Secret', 'denied'],
    ]);
    expect(error).toContain(`${bad}:7: document 1: `);
    expect(error).toContain(`${bad}:9: document 2: not a Kubernetes object`);
    expect(error).toContain(`${bad}:11: document 3: Pod without metadata`);
    expect(error).toContain(`${template}:4: document 0: this looks like a template: render first`);
    expect(error).toContain('absent.yaml:1: document 0: no such file or folder');
  });

  it('prints SARIF with file, line, level and pointer, and no snippet', async () => {
    const path = file('sarif.yaml', all(namespace, secret));
    const { out } = await run(['check', '-o', 'sarif', path]);
    expect(JSON.parse(out)).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'sallyport', rules: [{ id: 'static-credential-secret' }] } },
          results: [
            {
              ruleId: 'static-credential-secret',
              level: 'error',
              locations: [
                {
                  physicalLocation: { artifactLocation: { uri: `file://${path}` }, region: { startLine: 9 } },
                  logicalLocations: [{ fullyQualifiedName: 'shop/Secret/db/stringData/password' }],
                },
              ],
            },
          ],
        },
      ],
    });
    expect(out).not.toContain('correct-horse');
    expect(out).not.toContain('snippet');
  });

  it.each([
    [[], 'no command'],
    [['frobnicate'], 'unknown command'],
    [['check'], 'no PATH'],
    [['check', 'x', '-o', 'xml'], 'expected text, json, sarif'],
    [['check', 'x', '--now', 'yesterday'], 'expected a time'],
    [['check', 'x', '--now', '2027-01-01T12:00:00'], 'expected a time'],
    [['check', 'x', '--unknown'], 'unknown'],
    [['check', 'x', '--as-group', 'g'], '--as-group needs --as'],
    [['review'], 'no FILE'],
    [['review', 'x', '-o', 'text'], 'expected json'],
  ])('exits 2 on %j and says %s', async (args, text) => {
    const { code, out, error } = await run(args);
    expect([code, out]).toEqual([2, '']);
    expect(error.toLowerCase()).toContain(text.toLowerCase());
  });

  it('exits 2 on a state that cannot be read, without a verdict', async () => {
    const path = file('for-state.yaml', clean);
    for (const state of [join(folder, 'nowhere'), join(file('broken-state/x.yaml', 'a: [\n'), '..')]) {
      const { code, out, error } = await run(['check', path, '--state', state]);
      expect([code, out]).toEqual([2, '']);
      expect(error).toContain(state);
    }
  });
});

describe('sallyport review', () => {
  const review = (request: Readonly<Record<string, unknown>>): string =>
    JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid: 'u-1',
        kind: { group: '', version: 'v1', kind: 'Pod' },
        resource: { group: '', version: 'v1', resource: 'pods' },
        name: 'web',
        namespace: 'shop',
        operation: 'CREATE',
        userInfo: { username: 'alice', groups: ['system:authenticated'] },
        object: {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'web', namespace: 'shop' },
          spec: { containers: [{ name: 'web', image: 'web' }] },
        },
        ...request,
      },
    });

  it('prints one line per file in argument order: response, object as stored, findings', async () => {
    const state = join(file('review-state/ns.yaml', namespace), '..');
    const good = file('good.json', review({}));
    const leaky = file(
      'leaky.json',
      review({
        object: {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'web' },
          spec: {
            containers: [{ name: 'web', image: 'web', env: [{ name: 'DB_PASSWORD', value: 'correct-horse-9' }] }],
          },
        },
      }),
    );
    const { code, out } = await run(['review', leaky, good, '--state', state]);
    expect(code).toBe(1);
    const [denied, allowed] = lines(out).map((line) => reviewed.parse(line));
    expect(denied).toMatchObject({
      file: leaky,
      response: { uid: 'u-1', allowed: false, status: { code: 403 } },
      object: null,
      findings: [{ rule: 'credential-in-env', mode: 'enforce' }],
    });
    expect(allowed).toMatchObject({ file: good, response: { allowed: true, patchType: 'JSONPatch' }, findings: [] });
    expect(JSON.stringify(allowed?.object)).toContain('sallyport-sidecar');
    expect(out).not.toContain('correct-horse');
  });

  it('reads YAML and standard input, stores nothing on DELETE and CONNECT', async () => {
    const { code, out } = await run(['review', '-'], {
      input: review({ operation: 'DELETE', object: null, oldObject: { metadata: { name: 'web' } } }),
    });
    expect(code).toBe(0);
    expect(reviewed.parse(lines(out)[0])).toMatchObject({ file: '-', response: { allowed: true }, object: null });
  });

  it('judges each review against the state alone', async () => {
    const state = join(file('alone-state/ns.yaml', namespace), '..');
    const first = file(
      'sa.json',
      review({
        kind: { group: '', version: 'v1', kind: 'Namespace' },
        name: 'other',
        namespace: 'other',
        object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other', labels: {} } },
      }),
    );
    const second = file('in-other.json', review({ namespace: 'other' }));
    const { out } = await run(['review', first, second, '--state', state]);
    expect(reviewed.parse(lines(out)[1]).response['warnings']).toEqual([
      'namespace "other" is not known: held to be opted in',
    ]);
  });

  it.each([
    ['no JSON', '{', 'malformed-review'],
    ['another version', review({}).replace('admission.k8s.io/v1', 'admission.k8s.io/v1beta1'), 'unsupported-version'],
    ['AR-03 duplicate keys', review({}).replace('"uid":"u-1"', '"uid":"u-1","uid":"u-2"'), 'malformed-review'],
    ['no uid', review({ uid: '' }), 'malformed-review'],
    ['two documents', `${review({})}\n---\n${review({})}`, 'malformed-review'],
    ['nothing', '', 'malformed-review'],
  ])('answers %s with an error line and exit 2, and judges the rest', async (name, text, code) => {
    const bad = file(`bad-review/${name.replaceAll(' ', '-')}.json`, text);
    const good = file('good-too.json', review({}));
    const { code: exit, out } = await run(['review', bad, good]);
    expect(exit).toBe(2);
    const [first, second] = lines(out);
    expect(failed.parse(first)).toMatchObject({ file: bad, error: { code } });
    expect(reviewed.parse(second).response.allowed).toBe(true);
  });

  it('answers a file that cannot be read with an error line', async () => {
    const { code, out } = await run(['review', join(folder, 'absent.json')]);
    expect(code).toBe(2);
    expect(failed.parse(lines(out)[0]).error.code).toBe('unreadable');
  });
});

describe('cli/bin.mjs', () => {
  const bin = join(import.meta.dirname, 'bin.mjs');

  it('runs the program under the pinned Node and hands its exit code on', () => {
    const path = file('bin.yaml', all(namespace, secret));
    const { status, stdout } = spawnSync(process.execPath, [bin, 'check', path, '-o', 'json'], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(results(stdout)).toHaveLength(2);
  });

  it('reads standard input, and runs from anywhere', () => {
    const out = execFileSync(process.execPath, [bin, 'check', '-'], {
      encoding: 'utf8',
      input: all(namespace, clean),
      cwd: folder,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    expect(out).toContain('2 judged, 0 denied');
  });
});
