/*
 * Path validation against `openssl verify -x509_strict -partial_chain`, a second opinion of RFC 5280 written by others.
 *
 * Compared is the verdict of RFC 5280. What SPIFFE asks beyond it (one URI, a path in it, no signing certificate as a leaf, digitalSignature,
 * SHA-2, RSA of 2,048 bits) stands in a table of its own: there OpenSSL must accept what we refuse. The other way round, `-x509_strict`
 * wants of a certificate what RFC 5280 asks of its maker (key identifiers, a critical SAN beside an empty subject); every certificate here
 * has that, since path validation does not ask for it.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { printPem } from '../../spiffe/pem.ts';
import { verifyX509Svid } from '../../spiffe/x509-path.ts';
import { type Bend, createTestAuthority, secondsFrom, type TestAuthority } from '../builders/test-authority.ts';

const at = new Date('2026-03-01T12:00:00Z');
const id = 'spiffe://example.org/ns/prod/sa/web';
const past = secondsFrom(at, -2);
const future = secondsFrom(at, 2);
const stranger = createTestAuthority({ trustDomain: 'example.org', at });

/** How each certificate of a chain is bent: anchor, then intermediates from it downwards, then the leaf. */
interface Plan {
  readonly anchor: Bend;
  readonly intermediates: readonly Bend[];
  readonly leaf: Bend;
  /** What happens to the chain afterwards. */
  readonly deliver?: (chain: readonly Uint8Array[]) => Uint8Array[];
}

/** One chain with the authority that should, or should not, stand behind it. */
interface Sample {
  readonly name: string;
  readonly authority: TestAuthority;
  readonly chain: readonly Uint8Array[];
  readonly ours: string;
}

/** Good chains in many shapes. */
const shapes: readonly Plan[] = [
  { anchor: {}, intermediates: [], leaf: {} },
  { anchor: {}, intermediates: [{}], leaf: {} },
  { anchor: {}, intermediates: [{}, {}], leaf: {} },
  { anchor: { pathLength: 2 }, intermediates: [{ pathLength: 1 }, { pathLength: 0 }], leaf: {} },
  { anchor: { pathLength: 1, keyType: 'P-384' }, intermediates: [{ digest: 'sha384' }], leaf: {} },
  { anchor: {}, intermediates: [{ keyType: 'P-521' }], leaf: { digest: 'sha512', keyType: 'P-384' } },
  { anchor: { uris: [] }, intermediates: [{ uris: [] }], leaf: { subject: 'web', sanCritical: false } },
  {
    anchor: { permittedHosts: ['example.org'] },
    intermediates: [{ excludedHosts: ['.example.org', 'example.net'] }],
    leaf: {},
  },
  { anchor: {}, intermediates: [{ permittedHosts: ['.org', 'example.org'] }], leaf: { dnsNames: ['web.prod.svc'] } },
  {
    anchor: { unknownExtension: 'ignorable' },
    intermediates: [{}],
    leaf: { unknownExtension: 'ignorable', extendedKeyUsage: null },
  },
  { anchor: {}, intermediates: [{ notBefore: past, notAfter: future }], leaf: { notBefore: past, notAfter: future } },
  {
    anchor: {},
    intermediates: [{ keyUsage: ['keyCertSign'] }],
    leaf: { keyUsage: ['digitalSignature', 'keyEncipherment'] },
  },
  { anchor: {}, intermediates: [{}], leaf: {}, deliver: (chain) => [...chain, stranger.anchorDer] },
];

const withIntermediates = shapes.filter(({ intermediates }) => intermediates.length > 0);

/** Good as they stand; a self-issued intermediate counts against no path length and is held to no name constraint. */
const goodOnly: readonly Plan[] = [
  { anchor: { subject: 'rolled over', pathLength: 0 }, intermediates: [{ subject: 'rolled over' }], leaf: {} },
  {
    anchor: { subject: 'rolled over', permittedHosts: ['example.org'] },
    intermediates: [{ subject: 'rolled over', uris: ['https://example.net'] }],
    leaf: {},
  },
];

/** Bends the intermediate next to the anchor. */
const top =
  (bend: Bend) =>
  ({ intermediates: [first, ...rest], ...plan }: Plan): Plan => ({
    ...plan,
    intermediates: [{ ...first, ...bend }, ...rest],
  });
const leaf =
  (bend: Bend) =>
  (plan: Plan): Plan => ({ ...plan, leaf: { ...plan.leaf, ...bend } });
const anchor =
  (bend: Bend) =>
  (plan: Plan): Plan => ({ ...plan, anchor: { ...plan.anchor, ...bend } });
const two = (plan: Plan): Plan => ({ ...plan, intermediates: [plan.intermediates[0] ?? {}, {}] });
const delivered =
  (deliver: NonNullable<Plan['deliver']>) =>
  (plan: Plan): Plan => ({ ...plan, deliver });

const faults: Readonly<Record<string, (plan: Plan) => Plan>> = {
  'leaf: broken signature': leaf({ signature: 'broken' }),
  'leaf: signed by another key': leaf({ signWith: stranger.anchorKey }),
  'leaf: changed after signing': delivered(([first = new Uint8Array(), ...rest]) => [changed(first), ...rest]),
  'leaf: issuer of another name': leaf({ issuer: 'somebody else' }),
  'leaf: key identifier of another issuer': leaf({ authorityKeyId: new Uint8Array(20).fill(7) }),
  'leaf: expired': leaf({ notAfter: past }),
  'leaf: not yet valid': leaf({ notBefore: future }),
  'leaf: unknown critical extension': leaf({ unknownExtension: 'critical' }),
  'leaf: keyCertSign': leaf({ keyUsage: ['digitalSignature', 'keyCertSign'] }),
  'intermediate: broken signature': top({ signature: 'broken' }),
  'intermediate: signed by another key': top({ signWith: stranger.anchorKey }),
  'intermediate: issuer of another name': top({ issuer: 'somebody else' }),
  'intermediate: expired': top({ notAfter: past }),
  'intermediate: not yet valid': top({ notBefore: future }),
  'intermediate: no CA': top({ isCa: false, keyUsage: ['digitalSignature'] }),
  'intermediate: no basic constraints': top({ basicConstraints: null }),
  'intermediate: no keyCertSign': top({ keyUsage: ['digitalSignature', 'cRLSign'] }),
  'intermediate: no key usage': top({ keyUsage: null }),
  'intermediate: unknown critical extension': top({ unknownExtension: 'critical' }),
  'intermediate: path length exceeded': (plan) => top({ pathLength: 0 })(two(plan)),
  'intermediate: host not permitted': top({ permittedHosts: ['example.net', '.example.org'] }),
  'intermediate: host excluded': top({ excludedHosts: ['.org'] }),
  'intermediate: not sent': delivered(([first = new Uint8Array()]) => [first]),
  'anchor: expired': anchor({ notAfter: past }),
  'anchor: not yet valid': anchor({ notBefore: future }),
  'anchor: no CA': anchor({ isCa: false, keyUsage: ['digitalSignature'] }),
  'anchor: no keyCertSign': anchor({ keyUsage: ['cRLSign'] }),
  'anchor: unknown critical extension': anchor({ unknownExtension: 'critical' }),
  'anchor: path length exceeded': (plan) => anchor({ pathLength: 0 })({ ...plan, leaf: {} }),
  'anchor: path length exceeded by two': (plan) => anchor({ pathLength: 1 })(two(plan)),
  'anchor: host not permitted': anchor({ permittedHosts: ['example.com'] }),
  'anchor: host excluded': anchor({ excludedHosts: ['example.org'] }),
};

/** Good paths to certificates that are no SVID, or signed too weakly: SPIFFE and we refuse them, RFC 5280 does not. */
const stricter: Readonly<Record<string, (plan: Plan) => Plan>> = {
  'X-01 no URI': leaf({ uris: [], dnsNames: ['web.prod.svc'] }),
  'X-01 two URIs': leaf({ uris: [id, `${id}2`] }),
  'X-03 no path': leaf({ uris: ['spiffe://example.org'] }),
  'X-05 signer with a path': top({ uris: ['spiffe://example.org/signer'] }),
  'X-06 CA': leaf({ isCa: true, subject: 'a CA', sanCritical: false, keyUsage: ['keyCertSign'] }),
  'X-06 cRLSign': leaf({ subject: 'web', keyUsage: ['digitalSignature', 'cRLSign'] }),
  'X-06 no digitalSignature': leaf({ keyUsage: ['keyAgreement'] }),
  'X-07 no key usage': leaf({ keyUsage: null }),
  'X-10 RSA-1024': top({ keyType: 'RSA-1024' }),
};

const goodCount = 704;
const perFault = 22;
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) {
  console.log('interop: 0 run, 1 skipped: openssl');
}

describe('path validation', () => {
  it.skipIf(!hasOpenssl)(
    'X-10 agrees with openssl verify on good chains and on bad ones of every kind',
    async () => {
      const good = Array.from({ length: goodCount }, (_, index) =>
        sampleOf('good', pickFrom([...shapes, ...goodOnly], index)),
      );
      const bad = Object.entries(faults).flatMap(([name, bend]) =>
        repeat(perFault, (index) => sampleOf(name, bend(pickFrom(withIntermediates, index)))),
      );
      const theirs = await judgeByOpenssl([...good, ...bad]);

      expect([good.length + bad.length >= 1000, bad.length >= good.length * 0.9]).toEqual([true, true]);
      expect(good.filter(({ ours }) => ours !== 'ok').map(describeSample)).toEqual([]);
      expect(bad.filter(({ ours }) => ours === 'ok').map(describeSample)).toEqual([]);
      expect(
        [...good, ...bad].filter((sample, index) => (sample.ours === 'ok') !== theirs[index]).map(describeSample),
      ).toEqual([]);
    },
    120_000,
  );

  it.skipIf(!hasOpenssl)(
    'X-11 refuses what RFC 5280 lets pass and SPIFFE does not',
    async () => {
      const samples = Object.entries(stricter).flatMap(([name, bend]) =>
        repeat(perFault, (index) => sampleOf(name, bend(pickFrom(withIntermediates, index)))),
      );
      const theirs = await judgeByOpenssl(samples);
      const surprises = samples.filter(({ name, ours }, index) => !name.startsWith(ours) || theirs[index] !== true);
      expect(surprises.map(describeSample)).toEqual([]);
    },
    120_000,
  );
});

function pickFrom(plans: readonly Plan[], index: number): Plan {
  return plans[index % plans.length] ?? { anchor: {}, intermediates: [], leaf: {} };
}

function repeat<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** A chain by the plan, and what we say to it: `ok`, or the clause. */
function sampleOf(name: string, plan: Plan): Sample {
  const authority = createTestAuthority({ trustDomain: 'example.org', at, anchor: plan.anchor });
  const issued = authority.issue({ path: '/ns/prod/sa/web', intermediate: plan.intermediates, leaf: plan.leaf }).chain;
  const chain = plan.deliver?.(issued) ?? issued;
  const verified = verifyX509Svid(chain, authority.bundles, at);
  return { name, authority, chain, ours: verified.ok ? 'ok' : (verified.problem.clause ?? verified.problem.code) };
}

/** A digit of the serial number: still DER, no longer what was signed. */
function changed(der: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(der);
  const serial = Buffer.from(bytes).indexOf(Buffer.from([0x02, 0x10])) + 4;
  bytes[serial] = (bytes[serial] ?? 0) ^ 0x01;
  return bytes;
}

const describeSample = ({ name, ours }: Sample): string => `${name}: we say ${ours}`;

/**
 * Whether OpenSSL accepts each sample, in order. All share one store of anchors and one of intermediates: names are random, so that
 * a chain can only lead to its own.
 */
async function judgeByOpenssl(samples: readonly Sample[]): Promise<boolean[]> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-openssl-'));
  const pemFile = (name: string, certificates: readonly Uint8Array[]): string => {
    const path = join(directory, name);
    writeFileSync(path, certificates.map((der) => printPem(der)).join(''));
    return path;
  };
  try {
    const anchors = pemFile(
      'anchors.pem',
      samples.map(({ authority }) => authority.anchorDer),
    );
    const untrusted = pemFile('untrusted.pem', [stranger.anchorDer, ...samples.flatMap(({ chain }) => chain.slice(1))]);
    const leaves = samples.map(({ chain: [first = new Uint8Array()] }, index) => pemFile(`${index}.pem`, [first]));
    const policy = [
      '-x509_strict',
      '-partial_chain',
      '-attime',
      String(at.getTime() / 1000),
      '-no-CApath',
      '-no-CAstore',
    ];
    const output = await runOpenssl(['verify', ...policy, '-CAfile', anchors, '-untrusted', untrusted, ...leaves]);
    const acceptedFiles = new Set(
      output.split('\n').flatMap((line) => (line.endsWith(': OK') ? [line.slice(0, -4)] : [])),
    );
    return leaves.map((path) => acceptedFiles.has(path));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Its standard output; that it fails when any certificate does is expected. */
function runOpenssl(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile('openssl', args, { maxBuffer: 16 * 1024 * 1024 }, (_error, stdout) => resolve(stdout));
  });
}
