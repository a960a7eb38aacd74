import { writeFileSync } from 'node:fs';
import { systemClock as clock } from '../runtime/clock.ts';
import { describeError } from '../runtime/describe-error.ts';
import { createLogger } from '../runtime/logger.ts';
import { systemRandom as random } from '../runtime/random.ts';
import { readSettings } from '../runtime/settings/read-settings.ts';
import { productVersion } from '../runtime/version.ts';
import { sidecarSettings } from './settings.ts';
import { createSidecar } from './sidecar.ts';

const print = (text: string): void => void process.stdout.write(text);
let terminationLog = '/dev/termination-log';

try {
  const settings = readSettings(sidecarSettings, process.env);
  terminationLog = settings.terminationLogFile;
  const logger = createLogger({ program: 'sidecar', level: settings.logLevel, write: print });
  const writeLine = (line: string): void => print(`${line}\n`);
  const sidecar = createSidecar({ settings, writeLine, version: productVersion, clock, random, logger });
  process.on('SIGTERM', () => void sidecar.stop()).on('SIGINT', () => void sidecar.stop());
  await sidecar.start();
  const { cause } = await sidecar.ended;
  process.exit(cause === undefined ? 0 : 1);
} catch (error) {
  const reason = error instanceof Error ? error.message : JSON.stringify(describeError(error));
  process.stderr.write(`${reason}\n`);
  try {
    writeFileSync(terminationLog, reason);
  } finally {
    process.exit(1);
  }
}
