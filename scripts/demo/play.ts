import { keepRunning } from './keep.ts';
import type { Narrator } from './narrator.ts';
import type { DemoOptions } from './options.ts';
import { type Stage, startStage } from './stage.ts';
import { balanceAccounts, watchWire } from './step-accounting.ts';
import { loseAuthority } from './step-authority-loss.ts';
import { approveExemption } from './step-exemption.ts';
import { refuseManifests } from './step-refusals.ts';
import { rotateUnderLoad } from './step-rotation.ts';
import { refuseStrangers } from './step-strangers.ts';
import { admitWorkloads, callOverMtls } from './step-workloads.ts';

/** Plays all steps; true when each held. Everything that was started is stopped, however it ends. */
export async function play(narrator: Narrator, options: DemoOptions, interrupted: Promise<void>): Promise<boolean> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  let stage: Stage | undefined;
  try {
    narrator.heading('Starting an embedded API server, a stand-in kubelet, and Sallyport in them');
    stage = await startStage(narrator);
    narrator.note(whatIsNotReal);
    const playing = steps(stage).then(() => 'played');
    // Steps that are cut off fail one by one; nobody listens to them any more.
    playing.catch(() => undefined);
    const ending = await Promise.race([playing, interrupted.then(() => 'interrupted')]);
    const held = narrator.close(seconds(), ending === 'played' ? undefined : 'interrupted');
    if (options.keep && ending === 'played') {
      await keepRunning(stage);
      await interrupted;
    }
    return held;
  } catch (error) {
    return narrator.close(seconds(), error instanceof Error ? error.message : String(error));
  } finally {
    await stage?.stop();
  }
}

const whatIsNotReal = [
  'real: TLS, tokens, certificates, AdmissionReviews, RBAC, processes. Not here: namespaces and cgroups, the uid of a container, read-only root,',
  'limits, capabilities, NetworkPolicy, matchConditions. Pods share this host: each has an address of its own in 127.0.0.0/8, and mount paths begin',
  'below a root directory. What the kubelet overrides for that is said with each sidecar.',
].join('\n');

async function steps(stage: Stage): Promise<void> {
  await refuseManifests(stage);
  const expire = await approveExemption(stage);
  const workloads = await admitWorkloads(stage);
  const authority = authorityPod(stage);
  await callOverMtls(stage, workloads);

  // (f) and (g) take their time and overlap; (e) and the end of (b) are shown meanwhile.
  const [fastWire, wire] = [watchWire(workloads.fastOrders), watchWire(workloads.orders)];
  const rotation = rotateUnderLoad(stage, authority, workloads);
  const loss = loseAuthority(stage, authority, workloads, rotation);
  // When the play is cut off they fail unheard.
  for (const running of [rotation, loss]) {
    running.catch(() => undefined);
  }
  const provoked = await refuseStrangers(stage, workloads);
  await expire();
  stage.narrator.note('(f) and (g) run side by side: two loads of 52 requests a second, about a minute in all');
  const tellRotation = await rotation;
  // Without an authority the short-lived identities end soon, and refuse for that reason.
  await fastWire.stop();
  tellRotation();
  const { killedAt, tell } = await loss;
  tell();
  await wire.stop();
  await balanceAccounts(stage, { workloads, authority, wires: [fastWire, wire], provoked, killedAt });
}

function authorityPod({ kubelet }: Stage): { readonly key: string } {
  const pod = kubelet.workers().find(({ pod: { metadata } }) => metadata.name.startsWith('sallyport-authority-'))?.pod;
  return { key: `${pod?.metadata.namespace}/${pod?.metadata.name}` };
}
