import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AdmissionLoad, admissionLoadResult } from './admission-load-messages.ts';
import { type AdmissionServer, startAdmissionServer } from './admission-server.ts';
import { type Figure, medianOf } from './figure.ts';
import { type HelperProcess, startHelper } from './helper-process.ts';

const rounds = 7;
const roundMs = 2_000;
const warmUpMs = 3_000;
const connectionCounts = [1, 8] as const;
const goals = { p99Ms: 5, perCoreSecond: 1_500 };

/**
 * Reviews of a 6 KB pod by the webhook's own listener, over TLS on loopback, all rules on, its account and deployer known to RBAC. In turn: the mutating call, the
 * validating call of the pod so injected, the validating call of a pod that is refused. The client is a process of its own; this one is the server, so that its CPU
 * is what a review costs. A round with one reply that is not as expected is void.
 */
export async function benchAdmission(): Promise<readonly Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-bench-'));
  const server = await startAdmissionServer(directory);
  const client = startHelper(new URL('admission-load.ts', import.meta.url));
  try {
    await measureRound(client, server, 8, warmUpMs);
    const measured = new Map<number, Round[]>(connectionCounts.map((count) => [count, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const [connections, results] of measured) {
        results.push(await measureRound(client, server, connections, roundMs));
      }
    }
    return [...measured].flatMap(([connections, results]) => figuresOf(connections, results));
  } finally {
    await client.stop();
    await server.stop();
    await rm(directory, { recursive: true });
  }
}

interface Round {
  readonly isValid: boolean;
  readonly perSecond: number;
  /** Reviews per second of CPU that the server spent. */
  readonly perCoreSecond: number;
  readonly p50: number;
  readonly p99: number;
}

async function measureRound(
  client: HelperProcess,
  server: AdmissionServer,
  connections: number,
  milliseconds: number,
): Promise<Round> {
  const before = process.cpuUsage();
  const load: AdmissionLoad = { ...server.load, connections, milliseconds };
  const { count, wrong, firstWrong, elapsedMs, p50, p99 } = admissionLoadResult.parse(await client.ask(load));
  const { user, system } = process.cpuUsage(before);
  if (firstWrong !== undefined) {
    console.error(`admission: ${wrong} replies were not as expected; the first: ${firstWrong}`);
  }
  const cpuSeconds = (user + system) / 1_000_000;
  return { isValid: wrong === 0, perSecond: count / (elapsedMs / 1_000), perCoreSecond: count / cpuSeconds, p50, p99 };
}

function figuresOf(connections: number, results: readonly Round[]): readonly Figure[] {
  const isValid = results.every((round) => round.isValid);
  const figure = (what: string, unit: string, read: (round: Round) => number): Figure => {
    const name = `admission: ${what}, ${connections} connection${connections === 1 ? '' : 's'}`;
    return isValid ? { name, unit, ...medianOf(results.map(read)) } : { name, unit, value: 'void' };
  };
  const reached = (measured: Figure, goal: string, isMet: (value: number) => boolean): Figure =>
    connections === 8 ? { ...measured, goal, met: measured.value !== 'void' && isMet(measured.value) } : measured;
  return [
    figure('reviews', '/s', ({ perSecond }) => perSecond),
    reached(
      figure('reviews per core of server CPU', '/s', ({ perCoreSecond }) => perCoreSecond),
      `>= ${goals.perCoreSecond} /s`,
      (value) => value >= goals.perCoreSecond,
    ),
    figure('p50', 'ms', ({ p50 }) => p50),
    reached(
      figure('p99', 'ms', ({ p99 }) => p99),
      `<= ${goals.p99Ms} ms`,
      (value) => value <= goals.p99Ms,
    ),
  ];
}
