import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** How a container's process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
}

export interface ContainerProcess {
  readonly pid: number;
  readonly ended: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
}

const alive = new Set<ChildProcess>();

/** Ends everything that was started here, at once; safe to call from an exit handler. */
export function killAll(): void {
  for (const child of alive) {
    killGroup(child, 'SIGKILL');
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
}

/**
 * A process in a group of its own, so that a terminal's Ctrl-C reaches it through the kubelet only. Both outputs are appended to the log file
 * line by line as they come, over restarts too.
 */
export function startProcess({ file, args, environment, logFile }: Command): ContainerProcess {
  mkdirSync(dirname(logFile), { recursive: true });
  const child = spawn(file, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  alive.add(child);
  child.stdout.on('data', (chunk: Buffer) => appendFileSync(logFile, chunk));
  child.stderr.on('data', (chunk: Buffer) => appendFileSync(logFile, chunk));
  const ended = new Promise<Exit>((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  void ended.then(() => alive.delete(child));
  return { pid: child.pid ?? -1, ended, kill: (signal) => killGroup(child, signal) };
}
