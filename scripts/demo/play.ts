import type { Narrator } from './narrator.ts';
import type { DemoOptions } from './options.ts';
import { type Stage, startStage } from './stage.ts';
import { approveExemption } from './step-exemption.ts';
import { refuseManifests } from './step-refusals.ts';

/** Plays all steps; true when each held. Everything that was started is stopped, however it ends. */
export async function play(narrator: Narrator, options: DemoOptions, interrupted: Promise<void>): Promise<boolean> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  let stage: Stage | undefined;
  try {
    narrator.heading('Starting an embedded API server, a stand-in kubelet, and Sallyport in them');
    stage = await startStage(narrator);
    const ending = await Promise.race([steps(stage).then(() => 'played'), interrupted.then(() => 'interrupted')]);
    if (options.keep && ending === 'played') {
      narrator.note(
        `everything runs on: logs in ${stage.kubelet.logDirectory}, API server ${stage.cluster.url}; Ctrl-C ends it`,
      );
      await interrupted;
    }
    return narrator.close(seconds(), ending === 'played' ? undefined : 'interrupted');
  } catch (error) {
    return narrator.close(seconds(), error instanceof Error ? error.message : String(error));
  } finally {
    await stage?.stop();
  }
}

async function steps(stage: Stage): Promise<void> {
  await refuseManifests(stage);
  const expire = await approveExemption(stage);
  await expire();
}
