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
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve());
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
