/*
 * `npm run demo`: both gates on one machine. Exits 0 only if every step held; Ctrl-C leaves no process behind.
 */
import { jsonNarrator, textNarrator } from './narrator.ts';
import { parseOptions, usage } from './options.ts';
import { play } from './play.ts';

const write = (text: string): void => void process.stdout.write(text);

try {
  const options = parseOptions(process.argv.slice(2));
  const narrator = options.json ? jsonNarrator(write) : textNarrator(write, process.stdout.isTTY);
  const interrupted = new Promise<void>((resolve) => {
    const interrupt = (): void => {
      // What is under way fails one by one while everything is being stopped: that is no news.
      process.on('unhandledRejection', () => undefined);
      resolve();
    };
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  });
  process.exitCode = (await play(narrator, options, interrupted)) ? 0 : 1;
} catch (error) {
  process.stderr.write(
    error instanceof TypeError
      ? `${error.message}\n${usage}\n`
      : `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = 2;
}
process.exit();
