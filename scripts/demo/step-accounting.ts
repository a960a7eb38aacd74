import { account } from './accounting.ts';
import { auditLines, authorityLines, sidecarFigures } from './evidence.ts';
import type { Stage } from './stage.ts';
import type { RunningPod, Workloads } from './step-workloads.ts';
import { pause, until } from './until.ts';
import { type Seen, visitByTls } from './wire.ts';

/** Looks at the certificate on the wire as a stranger does; each look is one refusal `no-client-certificate` at that pod. */
export interface WireWatch {
  readonly seen: readonly Seen[];
  visits(): number;
  stop(): Promise<void>;
}

/** Visits a pod's TLS port once a second. */
export function watchWire({ address }: RunningPod): WireWatch {
  const seen: Seen[] = [];
  let visits = 0;
  let over = false;
  const isOver = (): boolean => over;
  const watching = (async () => {
    while (!isOver()) {
      const visit = await visitByTls(address, 8443);
      visits += 1;
      if (visit.seen !== undefined) {
        seen.push(visit.seen);
      }
      await pause(1_000);
    }
  })();
  return {
    seen,
    visits: () => visits,
    async stop() {
      over = true;
      await watching;
    },
  };
}

export interface Played {
  readonly workloads: Workloads;
  readonly authority: { readonly key: string };
  /** What was looked at, each already stopped. */
  readonly wires: readonly WireWatch[];
  readonly provoked: Readonly<Record<string, number>>;
  readonly killedAt: Date;
}

/** (h) Serials seen on the wire, refusals provoked, and the counts in logs and metrics are equal. The pods are stopped for it: a sidecar's last words are its summaries. */
export async function balanceAccounts(
  stage: Stage,
  { workloads, authority, wires, provoked, killedAt }: Played,
): Promise<void> {
  stage.narrator.heading('(h) Wire, logs and metrics tell the same story');
  await pause(1_500);
  const pods: readonly RunningPod[] = Object.values(workloads);
  const figures = await Promise.all(pods.map(sidecarFigures));
  await Promise.all(
    ['fast-web', 'fast-orders', 'web', 'orders', 'stranger'].map((name) =>
      stage.people.alice.remove(`/apis/apps/v1/namespaces/shop/deployments/${name}`),
    ),
  );
  await until('all pods of shop are gone', 30, () =>
    pods.every(({ key }) => stage.kubelet.worker(key) === undefined) ? true : undefined,
  );
  await pause(1_500);

  const sidecars = figures.map((figure, index) => ({
    ...figure,
    lines: auditLines(stage.records(pods[index] ?? { key: '' })),
  }));
  const lines = authorityLines(stage, authority);
  const looks = (provoked['no-client-certificate'] ?? 0) + wires.reduce((sum, wire) => sum + wire.visits(), 0);
  const seen = wires.flatMap((wire) => wire.seen);
  const problems = account({
    seen,
    provoked: { ...provoked, 'no-client-certificate': looks },
    authority: lines,
    sidecars,
    killedAt,
  });
  const serials = new Set(seen.map(({ serial }) => serial)).size;
  const issued = lines.filter(({ event }) => event === 'identity.issued' || event === 'identity.renewed').length;
  const refusals = sidecars.reduce(
    (sum, sidecar) => sum + Object.values(sidecar.refusals).reduce((a, b) => a + b, 0),
    0,
  );
  const connections = sidecars.reduce((sum, sidecar) => sum + sidecar.connections, 0);
  stage.narrator.outcome({
    step: 'h',
    by: 'the auditor',
    tried: `compare ${serials} serials seen on the wire with ${issued} issuances recorded, ${refusals} refusals and ${connections} connections in metrics with the logs`,
    happened: problems.length === 0 ? 'every figure agrees' : `${problems.length} figures differ`,
    held: problems.length === 0 && serials >= 5,
    ...(problems.length === 0 ? {} : { detail: problems.join('\n') }),
    figures: { serials, issued, refusals, connections, problems },
  });
}
