import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stage } from './stage.ts';
import { deploySteady } from './step-workloads.ts';
import { people } from './town.ts';

/**
 * `--keep`: puts the steady workloads back, writes a kubeconfig for everybody, and says how to talk to what runs. The kubeconfigs are worth nothing once the demo has
 * ended.
 */
export async function keepRunning(stage: Stage): Promise<void> {
  const folder = join(stage.directory, 'kubeconfigs');
  await mkdir(folder, { recursive: true });
  const everybody = { ...people, admin: { username: 'admin', groups: ['system:masters'] } };
  for (const [name, who] of Object.entries(everybody)) {
    await writeFile(join(folder, name), stage.cluster.kubeConfig({ ...who, groups: [...who.groups] }).exportConfig(), {
      mode: 0o600,
    });
  }
  const { web, orders } = await deploySteady(stage);
  stage.narrator.heading('Everything runs on until Ctrl-C');
  stage.narrator.note(
    [
      `as alice, bob, carol or admin:       kubectl --kubeconfig ${folder}/alice -n shop get pods`,
      `web calls orders through both gates: curl http://${web.address}:5000/`,
      `a stranger at the door of orders:    curl -k https://${orders.address}:8443/`,
      `what a sidecar counts:               curl http://${orders.address}:15490/metrics`,
      `what each container says:            ls ${stage.kubelet.logDirectory}`,
    ].join('\n'),
  );
}
