import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { stopChild } from './helper-process.ts';

/** A program of ours under measurement, as a process of its own. */
export interface MeasuredProgram {
  /** Milliseconds from the spawn to the first line that holds `words`. Rejects when the program ends before, or after 20 s. */
  until(words: string): Promise<number>;
  /** Resident memory now, MB; undefined where the system has no `/proc`. */
  residentMegabytes(): Promise<number | undefined>;
  stop(): Promise<void>;
}

const patienceMs = 20_000;

/** Starts `script` with this environment and no other. What it writes to stderr is passed on. */
export function startProgram(script: string, environment: Readonly<Record<string, string>>): MeasuredProgram {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [script], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const seen: { readonly line: string; readonly atMs: number }[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => seen.push({ line, atMs: performance.now() - startedMs }));
  return {
    until(words) {
      const find = (): number | undefined => seen.find(({ line }) => line.includes(words))?.atMs;
      return new Promise((resolve, reject) => {
        const settle = (conclude: () => void): void => {
          clearTimeout(timer);
          lines.off('line', look);
          child.off('exit', onExit);
          conclude();
        };
        const look = (): void => {
          const atMs = find();
          if (atMs !== undefined) {
            settle(() => resolve(atMs));
          }
        };
        const fail = (what: string): void =>
          settle(() => reject(new Error(`${script} ${what} before it said: ${words}\n${lastOf(seen)}`)));
        const onExit = (): void => fail('ended');
        const timer = setTimeout(() => fail('took too long'), patienceMs);
        lines.on('line', look);
        child.on('exit', onExit);
        look();
      });
    },
    residentMegabytes: () => residentMegabytes(child),
    stop: () => stopChild(child),
  };
}

const lastOf = (seen: readonly { readonly line: string }[]): string =>
  seen
    .slice(-3)
    .map(({ line }) => line)
    .join('\n');

async function residentMegabytes({ pid }: ChildProcess): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid ?? 0}/status`, 'utf8').catch(() => '');
  const kibibytes = /^VmRSS:\s+([0-9]+) kB$/m.exec(status)?.[1];
  return kibibytes === undefined ? undefined : (Number(kibibytes) * 1_024) / 1_000_000;
}
