import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** A script that answers questions from a process of its own, so that its CPU is not that of the program under measurement. */
export interface HelperProcess {
  readonly pid: number;
  /** One question at a time; rejects when the helper says so, or ends. */
  ask(question: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

const answer = z.union([z.object({ value: z.unknown() }), z.object({ error: z.string() })]);

/** Starts `script`, which calls `answerQuestions`. `cpu`: the core it is bound to, where the system can. */
export function startHelper(script: URL, pin: readonly string[] = []): HelperProcess {
  const [command, ...words] = [...pin, process.execPath, fileURLToPath(script)];
  const child = spawn(command, words, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Answers hold binary content as it is.
    serialization: 'advanced',
  });
  return {
    pid: child.pid ?? 0,
    async ask(question) {
      const read = answer.parse(await exchange(child, { question }));
      if ('error' in read) {
        throw new Error(read.error);
      }
      return read.value;
    },
    stop: () => stopChild(child),
  };
}

function exchange(child: ChildProcess, message: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settled = (): void => {
      child.off('message', onMessage);
      child.off('exit', onExit);
    };
    const onMessage = (reply: unknown): void => {
      settled();
      resolve(reply);
    };
    const onExit = (code: number | null): void => {
      settled();
      reject(new Error(`${child.spawnargs.join(' ')} ended with ${String(code)}`));
    };
    child.on('message', onMessage);
    child.on('exit', onExit);
    child.send(message);
  });
}

/** In the helper: answers each question, in order, until the asking process is gone. */
export function answerQuestions(reply: (question: unknown) => Promise<unknown>): void {
  const asked = z.object({ question: z.unknown() });
  process.on('message', (message) => {
    void reply(asked.parse(message).question).then(
      (value) => process.send?.({ value }),
      (error: unknown) =>
        process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : 'unknown' }),
    );
  });
  process.once('disconnect', () => process.exit(0));
}

/** SIGTERM, and after 5 s SIGKILL; resolves when it is gone. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(timer);
}
