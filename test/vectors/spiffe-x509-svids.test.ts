import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Parsed, requireParsed } from '../../runtime/parsed.ts';
import { parsePemBlocks } from '../../spiffe/pem.ts';
import { x509Bundle } from '../../spiffe/trust-bundle.ts';
import { requireTrustDomain } from '../../spiffe/trust-domain.ts';
import { verifyX509Svid } from '../../spiffe/x509-path.ts';
import { parseX509Svid, type X509Svid } from '../../spiffe/x509-svid.ts';
import { outsideData } from './outside-data.ts';

const data = outsideData('spiffe');

const row = z.object({
  name: z.string(),
  certificates: z.string(),
  valid: z.boolean(),
  spiffeId: z.string().optional(),
  count: z.int().optional(),
  clause: z.string().nullish(),
  reason: z.string().optional(),
});

/** Rows about the file of a key judge a loader of key files, not the certificate. */
const isAboutTheKey = (reason: string | undefined): boolean =>
  reason?.includes('key') === true && !reason.includes('keyCertSign');

function parseFile(file: string): Parsed<X509Svid> {
  const blocks = parsePemBlocks(data.read(`x509svid/${file}`));
  return blocks.ok
    ? parseX509Svid(blocks.value.filter(({ label }) => label === 'CERTIFICATE').map(({ der }) => der))
    : blocks;
}

describe('certificates with known verdicts', () => {
  it.skipIf(data.isAbsent)('get the same verdict from us, by the same clause', () => {
    const rows = z.array(row).parse(JSON.parse(data.read('x509svid/expected.json')));
    const judged = rows.filter(({ reason }) => !isAboutTheKey(reason) || reason === 'cA is false on the intermediate');
    expect(judged.length).toBeGreaterThanOrEqual(14);
    const ours = judged.map(({ name, certificates }) => {
      const svid = parseFile(certificates);
      return svid.ok
        ? { name, valid: true, spiffeId: svid.value.spiffeId.text, count: svid.value.chain.length }
        : { name, valid: false, clause: svid.problem.clause };
    });
    const theirs = judged.map(({ name, valid, spiffeId, count, clause }) =>
      valid ? { name, valid, spiffeId, count } : { name, valid, clause: clause ?? undefined },
    );
    expect(ours).toEqual(theirs);
  });

  it.skipIf(data.isAbsent)('X-10 verify leaf by intermediate while both were valid, and not today', () => {
    const { chain } = requireParsed(parseFile('good-leaf-and-intermediate.pem'));
    const td = requireTrustDomain('example.org');
    const bundles = new Map([[td, x509Bundle(td, chain.slice(1))]]);
    const verdictAt = (at: string): boolean =>
      verifyX509Svid([chain[0]?.der ?? new Uint8Array()], bundles, new Date(at)).ok;
    expect([verdictAt('2020-03-24T14:30:00Z'), verdictAt('2026-01-01T00:00:00Z')]).toEqual([true, false]);
  });
});
