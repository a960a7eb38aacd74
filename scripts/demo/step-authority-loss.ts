import type { AuditLine } from './accounting.ts';
import { authorityLines } from './evidence.ts';
import type { Stage } from './stage.ts';
import { type LoadResult, load } from './step-rotation.ts';
import type { RunningPod, Workloads } from './step-workloads.ts';
import { pause, until } from './until.ts';

const isIssuance = ({ event }: AuditLine): boolean => event === 'identity.issued' || event === 'identity.renewed';

/** When the authority was killed, and what is to be told about it once the rest has been told. */
export interface Loss {
  readonly killedAt: Date;
  readonly tell: () => void;
}

/**
 * (g) Lifetimes of 60 s: the authority is killed 20 s after an SVID was issued, `ready` permitting, and its container restarts 5 s later without any of its keys. The
 * load goes on until both pods hold an SVID by its new key.
 */
export async function loseAuthority(
  stage: Stage,
  authority: { readonly key: string },
  { web, orders }: Workloads,
  ready: Promise<unknown>,
): Promise<Loss> {
  const issued = (pod: RunningPod): AuditLine | undefined =>
    authorityLines(stage, authority).findLast((line) => isIssuance(line) && line.podUid === pod.uid);
  const results: LoadResult[] = [];
  let over = false;
  const isOver = (): boolean => over;
  const loading = (async () => {
    while (!isOver()) {
      results.push(await load(web, 3));
    }
  })();

  loading.catch(() => undefined);

  const before = [issued(web), issued(orders)];
  const lastIssued = Math.max(...before.map((line) => line?.at.getTime() ?? 0));
  await ready;
  await pause(lastIssued + 20_000 - Date.now());
  const killedAt = new Date();
  const worker = stage.kubelet.worker(authority.key);
  worker?.processOf('authority')?.kill('SIGKILL');
  const isNew = (pod: RunningPod): boolean => {
    const line = issued(pod);
    return line !== undefined && line.at > killedAt && line.authorityId !== before[0]?.authorityId;
  };
  const resumed = await until('both pods renewed by the new key', 50, () =>
    isNew(web) && isNew(orders) ? new Date() : undefined,
  ).catch(() => undefined);
  over = true;
  await loading;

  const sum = (of: (result: LoadResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  const [requests, failed] = [sum((result) => result.requests), sum((result) => result.failed)];
  const restarts = worker?.restartsOf('authority') ?? 0;
  const after = (at: Date | undefined): string =>
    at === undefined ? 'never' : `${((at.getTime() - killedAt.getTime()) / 1000).toFixed(0)} s later`;
  const tell = (): void => {
    stage.narrator.heading('(g) The only authority is killed, and comes back without its keys');
    stage.narrator.outcome({
      step: 'g',
      by: 'the operator',
      tried: `SIGKILL the authority ${((killedAt.getTime() - lastIssued) / 1000).toFixed(0)} s after an SVID was issued`,
      happened: `its container restarted in the same pod 5 s later with new keys; it was trusted, and both pods renewed, ${after(resumed)}`,
      held: restarts === 1 && resumed !== undefined,
      figures: {
        restarts,
        renewalsResumedSeconds: resumed === undefined ? null : (resumed.getTime() - killedAt.getTime()) / 1000,
      },
    });
    stage.narrator.outcome({
      step: 'g',
      by: 'web',
      tried: `${requests} requests to orders all the while, each on its own connection, 64 KiB echoed and hashed`,
      happened: `${failed} failed`,
      held: failed === 0 && requests >= 500,
      ...(failed === 0 ? {} : { detail: JSON.stringify(results.map(({ failures }) => failures)) }),
      figures: { requests, failed },
    });
  };
  return { killedAt, tell };
}
