import { z } from 'zod';
import type { AuditLine, SidecarRecord } from './accounting.ts';
import type { Stage } from './stage.ts';
import type { RunningPod } from './step-workloads.ts';

const record = z.looseObject({
  id: z.string(),
  event: z.string(),
  time: z.string(),
  seenAt: z.string().optional(),
  program: z.string().default(''),
  reasonCode: z.string().default(''),
  spiffeId: z.string().default(''),
  svid: z.object({ serial: z.string(), authorityId: z.string() }).optional(),
  attestation: z.object({ podUid: z.string().default('') }).optional(),
  replica: z.object({ podUid: z.string() }).optional(),
  count: z.int().optional(),
  connections: z.int().optional(),
});

/** The records of a log as they are counted. */
export function auditLines(records: readonly unknown[]): readonly AuditLine[] {
  return records.flatMap((entry) => {
    const parsed = record.safeParse(entry).data;
    if (parsed === undefined) {
      return [];
    }
    const { id, event, program, reasonCode, spiffeId, svid, attestation, replica, count, connections } = parsed;
    return [
      {
        id,
        at: new Date(parsed.seenAt ?? parsed.time),
        event,
        program,
        podUid: attestation?.podUid ?? replica?.podUid ?? '',
        reason: reasonCode,
        serial: svid?.serial ?? '',
        authorityId: svid?.authorityId ?? '',
        spiffeId,
        count: event === 'access.summary' ? (connections ?? 0) : (count ?? 1),
      },
    ];
  });
}

/** One figure of a program: `name{label="value",...} 12`. */
interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** The figures that a pod publishes. */
export async function metricsOf({ address }: RunningPod, port = 15_490): Promise<readonly Sample[]> {
  const text = await (await fetch(`http://${address}:${port}/metrics`)).text();
  return text.split('\n').flatMap((line) => {
    const match = /^([a-z_]+)(?:\{(.*)\})? ([0-9.e+-]+)$/.exec(line);
    if (match === null) {
      return [];
    }
    const labels = [...(match[2] ?? '').matchAll(/([a-z_]+)="([^"]*)"/g)].map(
      ([, name = '', value = '']) => [name, value] as const,
    );
    return [{ name: match[1] ?? '', labels: new Map(labels), value: Number(match[3]) }];
  });
}

/** The sum of a figure over all its labels, or over those with one value. */
export function total(samples: readonly Sample[], name: string, label?: readonly [string, string]): number {
  return samples
    .filter(
      (sample) =>
        sample.name === `sallyport_${name}` && (label === undefined || sample.labels.get(label[0]) === label[1]),
    )
    .reduce((sum, { value }) => sum + value, 0);
}

/** What a sidecar counted, once nothing moves any more; its log is read when it has stopped. */
export async function sidecarFigures(pod: RunningPod): Promise<Omit<SidecarRecord, 'lines'>> {
  const samples = await metricsOf(pod);
  const refusals: Record<string, number> = {};
  for (const { name, labels, value } of samples) {
    const reason = labels.get('reason');
    if (name === 'sallyport_refusals_total' && reason !== undefined && value > 0) {
      refusals[reason] = (refusals[reason] ?? 0) + value;
    }
  }
  return {
    pod: pod.key,
    podUid: pod.uid,
    refusals,
    connections: total(samples, 'connections_total'),
    svids: total(samples, 'svid_rotations_total', ['outcome', 'success']),
  };
}

/** The authority's log: the stdout of its container, over its restart. */
export const authorityLines = (stage: Stage, authority: { readonly key: string }): readonly AuditLine[] =>
  auditLines(stage.records(authority, 'authority'));
