import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseSpiffeBundle } from '../../spiffe/bundle-document.ts';
import { parsePemCertificates } from '../../spiffe/pem.ts';
import { requireTrustDomain } from '../../spiffe/trust-domain.ts';
import { outsideData } from './outside-data.ts';

const data = outsideData('spiffe');
const td = requireTrustDomain('domain.test');

const row = z.object({
  file: z.string(),
  readAs: z.string(),
  valid: z.boolean(),
  clause: z.string().optional(),
  x509Sha256: z.array(z.string()).optional(),
  jwtKids: z.array(z.string()).optional(),
  sequence: z.int().nullish(),
  refreshHintSeconds: z.int().nullish(),
  x509Count: z.int().optional(),
});

const rowsReadAs = (form: string): z.infer<typeof row>[] =>
  z
    .array(row)
    .parse(JSON.parse(data.read('bundles-expected.json')))
    .filter(({ readAs }) => readAs === form);

describe('bundles with known contents', () => {
  it.skipIf(data.isAbsent)('are read by us as expected', () => {
    const rows = rowsReadAs('spiffe-bundle');
    expect(rows.length).toBeGreaterThanOrEqual(7);
    const ours = rows.map(({ file }) => {
      const bundle = parseSpiffeBundle(td, data.read(file));
      return bundle.ok
        ? {
            file,
            x509Sha256: bundle.value.x509.authorities.map(({ der }) => createHash('sha256').update(der).digest('hex')),
            jwtKids: bundle.value.jwtKeys.map(({ keyId }) => keyId),
            sequence: bundle.value.sequence ?? null,
            refreshHintSeconds: bundle.value.refreshHintSeconds ?? null,
          }
        : { file, clause: bundle.problem.clause };
    });
    const theirs = rows.map(({ file, valid, x509Sha256, jwtKids, sequence, refreshHintSeconds, clause }) =>
      valid
        ? {
            file,
            x509Sha256,
            jwtKids,
            sequence: typeof sequence === 'number' ? BigInt(sequence) : null,
            refreshHintSeconds,
          }
        : { file, clause },
    );
    expect(ours).toEqual(theirs);
  });

  it.skipIf(data.isAbsent)('are read by us from PEM as expected', () => {
    const rows = rowsReadAs('pem');
    expect(rows.length).toBeGreaterThanOrEqual(6);
    const ours = rows.map(({ file }) => {
      const certificates = parsePemCertificates(data.read(file));
      return [file, certificates.ok ? certificates.value.length : 'refused'];
    });
    expect(ours).toEqual(rows.map(({ file, valid, x509Count }) => [file, valid ? x509Count : 'refused']));
  });
});
