import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Figure, medianOf } from './figure.ts';
import { type MeasuredProgram, startProgram } from './measured-program.ts';
import { type StartTown, startStartTown } from './start-town.ts';

const rounds = 7;
const idleMs = 1_500;
const goals = { startMs: 500, sidecarMegabytes: 75 };

const repository = fileURLToPath(new URL('../../', import.meta.url));
const bundleOf = (program: string): string => `${repository}dist/${program}.mjs`;

/**
 * From the start of a sidecar's process to its first SVID, attested by an authority that asks an API server, and to all of it being ready; and the memory each program
 * holds when nothing happens. Programs are the bundles that images run; the sidecar from its sources is measured beside, for that is what a checkout runs.
 */
export async function benchStart(): Promise<readonly Figure[]> {
  await promisify(execFile)(process.execPath, ['scripts/bundle.ts'], { cwd: repository });
  const town = await startStartTown();
  const running: MeasuredProgram[] = [];
  try {
    const authority = startProgram(bundleOf('authority'), await town.authority());
    running.push(authority);
    await authority.until('"service":"streams"');
    const webhook = startProgram(bundleOf('webhook'), await town.webhook());
    running.push(webhook);
    await webhook.until('"service":"admission"');
    const bundled = await startsOf(bundleOf('sidecar'), town, idleMs);
    const fromSources = await startsOf(`${repository}sidecar/main.ts`, town, 0);
    return [
      ...startFigures(bundled, fromSources),
      memoryFigure(
        'sidecar',
        bundled.map(({ megabytes }) => megabytes),
        goals.sidecarMegabytes,
      ),
      memoryFigure('authority', [await authority.residentMegabytes()]),
      memoryFigure('webhook', [await webhook.residentMegabytes()]),
    ];
  } finally {
    for (const program of running.toReversed()) {
      await program.stop();
    }
    await town.stop();
  }
}

interface Start {
  readonly svidMs: number;
  readonly readyMs: number;
  readonly megabytes: number | undefined;
}

/** One pod and one process after the other. `waitMs`: from ready to the reading of its memory. */
async function startsOf(script: string, town: StartTown, waitMs: number): Promise<readonly Start[]> {
  const starts: Start[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const sidecar = startProgram(script, await town.sidecar());
    try {
      const svidMs = await sidecar.until('identity held');
      const readyMs = await sidecar.until('"service":"inbound"');
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      starts.push({ svidMs, readyMs, megabytes: await sidecar.residentMegabytes() });
    } finally {
      await sidecar.stop();
    }
  }
  return starts;
}

function startFigures(bundled: readonly Start[], fromSources: readonly Start[]): readonly Figure[] {
  const first = medianOf(bundled.map(({ svidMs }) => svidMs));
  return [
    {
      name: 'start: sidecar to its first SVID',
      unit: 'ms',
      ...first,
      goal: `<= ${goals.startMs} ms`,
      met: first.value <= goals.startMs,
    },
    { name: 'start: sidecar to ready', unit: 'ms', ...medianOf(bundled.map(({ readyMs }) => readyMs)) },
    {
      name: 'start: sidecar to its first SVID, from sources',
      unit: 'ms',
      ...medianOf(fromSources.map(({ svidMs }) => svidMs)),
    },
  ];
}

/** `void` where the system does not say. */
function memoryFigure(program: string, readings: readonly (number | undefined)[], most?: number): Figure {
  const known = readings.flatMap((reading) => reading ?? []);
  const name = `memory: ${program}, resident, idle`;
  const measured = known.length === 0 ? { value: 'void' as const } : medianOf(known);
  const goal =
    most === undefined ? {} : { goal: `<= ${most} MB`, met: measured.value !== 'void' && measured.value <= most };
  return { name, unit: 'MB', ...measured, ...goal };
}
