import { text } from 'node:stream/consumers';
import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { sallyport } from './sallyport.ts';

process.exitCode = await sallyport(process.argv.slice(2), {
  out: (output) => process.stdout.write(output),
  error: (output) => process.stderr.write(output),
  readInput: () => text(process.stdin),
  now: () => systemClock.now(),
  random: systemRandom,
  environment: process.env,
});
