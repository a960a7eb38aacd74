import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { z } from 'zod';
import { createTestAuthority } from '../../test/builders/test-authority.ts';
import { type Figure, medianOf } from './figure.ts';
import { startHelper } from './helper-process.ts';
import { type LoadKind, type LoadOrder, type LoadResult, loadResult } from './inbound-messages.ts';
import { startNginx } from './nginx.ts';

/*
 * Inbound mTLS beside nginx `stream`, in interleaved rounds: proxies on one core, load and backend on another. Content, exact counts and half-close of every
 * connection are verified; a round without them is void.
 */

interface Cell {
  readonly name: string;
  readonly kind: LoadKind;
  readonly connections: number;
  readonly unit: string;
  /** Least ratio to nginx, where one is to be reached. */
  readonly goal?: number;
}

const cells: readonly Cell[] = [
  { name: 'small requests, 1 connection', kind: 'small', connections: 1, unit: 'requests/s' },
  { name: 'small requests, 32 connections', kind: 'small', connections: 32, unit: 'requests/s', goal: 0.65 },
  { name: 'small requests, 256 connections', kind: 'small', connections: 256, unit: 'requests/s' },
  { name: 'bulk up, 8 streams', kind: 'up', connections: 8, unit: 'MiB/s' },
  { name: 'bulk down, 8 streams', kind: 'down', connections: 8, unit: 'MiB/s' },
  { name: 'full handshakes, 8 at once', kind: 'handshakes', connections: 8, unit: 'handshakes/s' },
];

const rounds = 5;
const roundMs = 800;
const warmUpMs = 300;

/** A proxy under measurement. */
interface Subject {
  readonly name: 'sallyport' | 'nginx';
  readonly port: number;
  readonly pid: number;
}

/** One round: units per second, and microseconds of the proxy's CPU per unit where the system tells. */
interface Round {
  readonly rate: number;
  readonly cpuUs: number | undefined;
}

/** Measures every cell; beside nginx when it is on PATH with its stream module. */
export async function benchInbound(): Promise<readonly Figure[]> {
  const authority = createTestAuthority({ trustDomain: 'bench.example' });
  const server = authority.issue({ path: '/ns/bench/sa/server' });
  const client = authority.issue({ path: '/ns/bench/sa/client' });
  const load = startHelper(new URL('./inbound-load.ts', import.meta.url), pinTo(1));
  const proxy = startHelper(new URL('./inbound-proxy.ts', import.meta.url), pinTo(0));
  const order = { certPem: client.certPem, keyPem: client.keyPem, caPem: authority.anchorPem };
  const ask = async (round: Omit<LoadOrder, keyof typeof order>): Promise<LoadResult> =>
    loadResult.parse(await load.ask({ ...order, ...round }));
  const { backendPort: appPort } = await ask({ kind: 'small', port: 0, proxyPid: 0, connections: 1, milliseconds: 1 });
  const { trustDomain, anchorPem } = authority;
  const { certPem, keyPem } = server;
  const answer = z.object({ port: z.int() });
  const { port } = answer.parse(await proxy.ask({ trustDomain, appPort, anchorPem, certPem, keyPem }));
  const nginx = await startNginx({ appPort, certPem, keyPem, caPem: anchorPem, pin: pinTo(0) });
  const subjects: Subject[] = [
    { name: 'sallyport', port, pid: proxy.pid },
    ...(nginx === undefined ? [] : [{ name: 'nginx' as const, port: nginx.port, pid: nginx.pid }]),
  ];
  try {
    const figures: Figure[] = [];
    for (const cell of cells) {
      figures.push(...(await measureCell(cell, subjects, ask)));
    }
    return [...figures, ...residentFigures(subjects)];
  } finally {
    await Promise.all([load.stop(), proxy.stop(), nginx?.stop()]);
  }
}

type Ask = (
  round: Pick<LoadOrder, 'kind' | 'port' | 'proxyPid' | 'connections' | 'milliseconds'>,
) => Promise<LoadResult>;

async function measureCell(cell: Cell, subjects: readonly Subject[], ask: Ask): Promise<readonly Figure[]> {
  const { kind, connections } = cell;
  const taken = new Map<Subject['name'], (Round | 'void')[]>(subjects.map(({ name }) => [name, []]));
  for (const { port, pid: proxyPid } of subjects) {
    await ask({ kind, port, proxyPid, connections, milliseconds: warmUpMs });
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, port, pid } of subjects) {
      taken.get(name)?.push(roundOf(await ask({ kind, port, proxyPid: pid, connections, milliseconds: roundMs })));
    }
  }
  return figuresOf(cell, taken.get('sallyport') ?? [], taken.get('nginx') ?? []);
}

function roundOf({ units, elapsedMs, cpuSeconds, faults }: LoadResult): Round | 'void' {
  if (faults.length > 0 || units === 0) {
    console.error(`void: ${faults.join('; ')}`);
    return 'void';
  }
  return { rate: units / (elapsedMs / 1_000), cpuUs: cpuSeconds === null ? undefined : (cpuSeconds * 1e6) / units };
}

function figuresOf(
  { name, unit, goal }: Cell,
  ours: readonly (Round | 'void')[],
  theirs: readonly (Round | 'void')[],
): readonly Figure[] {
  const perUnit = `us CPU/${unit.replace(/s?\/s$/, '')}`;
  const rate = (round: Round): number => round.rate;
  const cpu = (round: Round): number => round.cpuUs ?? Number.NaN;
  const hasCpu = [...ours, ...theirs].every((round) => round === 'void' || round.cpuUs !== undefined);
  const cpuFigure = hasCpu ? [figureOf(`${name}: CPU`, perUnit, ours.map(take(cpu)))] : [];
  const figures = [figureOf(name, unit, ours.map(take(rate))), ...cpuFigure];
  if (theirs.length === 0) {
    return figures;
  }
  const ratios = (value: (round: Round) => number): (number | 'void')[] =>
    ours.map((round, index) => {
      const other = theirs[index] ?? 'void';
      return round === 'void' || other === 'void' ? 'void' : value(round) / value(other);
    });
  const ratio = figureOf(`${name}: rate of nginx`, 'x', ratios(rate));
  const judged =
    goal === undefined || ratio.value === 'void' ? ratio : { ...ratio, goal: `>= ${goal}`, met: ratio.value >= goal };
  return [
    ...figures,
    figureOf(`${name}: nginx`, unit, theirs.map(take(rate))),
    judged,
    ...(hasCpu ? [figureOf(`${name}: CPU of nginx`, 'x', ratios(cpu))] : []),
  ];
}

const take =
  (value: (round: Round) => number) =>
  (round: Round | 'void'): number | 'void' =>
    round === 'void' ? 'void' : value(round);

/** One void round makes the figure void: what cannot be verified is not averaged away. */
function figureOf(name: string, unit: string, values: readonly (number | 'void')[]): Figure {
  const numbers = values.filter((value) => value !== 'void');
  return numbers.length < values.length || numbers.length === 0
    ? { name, unit, value: 'void' }
    : { name, unit, ...medianOf(numbers) };
}

function residentFigures(subjects: readonly Subject[]): readonly Figure[] {
  return subjects.flatMap(({ name, pid }) => {
    const match = /VmRSS:\s+(\d+) kB/.exec(readProc(`/proc/${pid}/status`));
    return match === null ? [] : [{ name: `RSS after the load: ${name}`, unit: 'MB', value: Number(match[1]) / 1_000 }];
  });
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The words that bind a program to a core; none on one core or without taskset. */
function pinTo(core: number): readonly string[] {
  if (cpus().length < 2) {
    return [];
  }
  try {
    execFileSync('taskset', ['-c', String(core), 'true'], { stdio: 'ignore' });
    return ['taskset', '-c', String(core)];
  } catch {
    return [];
  }
}
