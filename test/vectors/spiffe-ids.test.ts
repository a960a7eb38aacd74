import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Parsed } from '../../runtime/parsed.ts';
import { parseSpiffeId } from '../../spiffe/spiffe-id.ts';
import { scanPath } from '../../spiffe/spiffe-syntax.ts';
import { parseTrustDomain } from '../../spiffe/trust-domain.ts';
import { outsideData } from './outside-data.ts';

const data = outsideData('spiffe');

const row = z.object({
  input: z.string(),
  kind: z.enum(['id', 'trust-domain', 'path']),
  valid: z.boolean(),
  clause: z.string(),
  trustDomain: z.string().optional(),
});
type Row = z.infer<typeof row>;

function judge({ kind, input }: Row): Parsed<unknown> {
  switch (kind) {
    case 'id':
      return parseSpiffeId(input);
    case 'trust-domain':
      return parseTrustDomain(input);
    case 'path':
      return scanPath(input, 0);
  }
}

describe('ids with known verdicts', () => {
  const rows = (): Row[] => z.array(row).min(1000).parse(data.readLines('ids.jsonl'));

  it.skipIf(data.isAbsent)('get the same verdict from us, all of them', () => {
    expect(rows().filter((each) => judge(each).ok !== each.valid)).toEqual([]);
  });

  it.skipIf(data.isAbsent)('name the trust domain that is expected', () => {
    const named = rows().filter(({ valid, trustDomain }) => valid && trustDomain !== undefined);
    expect(named.filter(({ input, trustDomain }) => !Object.is(valueOf(parseTrustDomain(input)), trustDomain))).toEqual(
      [],
    );
  });

  it.skipIf(data.isAbsent)('are refused by the clause that is expected', () => {
    const different = rows()
      .filter(({ valid }) => !valid)
      .map((each) => ({ ...each, ours: clauseOf(judge(each)) }))
      .filter(({ clause, ours, input }) => clause !== ours && input !== twoFaults);
    expect(different).toEqual([]);
  });
});

/** Breaks ID-07 by its scheme and ID-02 by its empty trust domain; the outside row names neither. */
const twoFaults = 'Spiffe://';

const valueOf = <T>(parsed: Parsed<T>): T | undefined => (parsed.ok ? parsed.value : undefined);
const clauseOf = (parsed: Parsed<unknown>): string | undefined => (parsed.ok ? undefined : parsed.problem.clause);
