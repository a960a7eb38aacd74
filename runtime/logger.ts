import { pino } from 'pino';
import { describeError } from './describe-error.ts';
import { Secret } from './secret.ts';

/** What the parts of a program log through. Messages are lower-case and constant; what varies goes into the fields, under `logKeys`. */
export interface Logger {
  trace(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
  child(fields: object): Logger;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

const withheld = '[withheld]';

/** Member names under which nothing is ever printed, whatever it is. */
const neverPrinted = new Set(['authorization', 'token', 'password', 'csr', 'key', 'privatekey', 'cookie']);

const looksSecret = (text: string): boolean =>
  /eyJ[\w-]{8,}\.eyJ|-----BEGIN [A-Z ]*PRIVATE KEY|\bhvs\.|\bAKIA[0-9A-Z]{12}|\bghp_\w{20}/.test(text);

/** A copy of the fields with errors described and secrets withheld; objects deeper than six levels are cut. */
function printable(value: unknown, depth = 0): unknown {
  if (value instanceof Secret) {
    return value.toString();
  }
  if (value instanceof Error) {
    return printable(describeError(value), depth + 1);
  }
  if (typeof value === 'string') {
    return looksSecret(value) ? withheld : value;
  }
  if (typeof value === 'bigint') {
    return value.toString();
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) {
    return value;
  }
  if (depth > 6) {
    return '[deep]';
  }
  if (Array.isArray(value)) {
    return value.map((item) => printable(item, depth + 1));
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      neverPrinted.has(name.toLowerCase()) ? withheld : printable(member, depth + 1),
    ]),
  );
}

/** One JSON line per message, `kind: "log"`, to `write` (which gets the line with its newline). Made once, in `main.ts`, and handed down. */
export function createLogger(options: {
  readonly program: string;
  readonly level: LogLevel;
  readonly write: (line: string) => void;
}): Logger {
  return pino(
    {
      level: options.level,
      base: { kind: 'log', program: options.program },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) =>
          Object.fromEntries(
            Object.entries(fields).map(([name, value]) => [
              name,
              neverPrinted.has(name.toLowerCase()) ? withheld : printable(value),
            ]),
          ),
      },
    },
    { write: options.write },
  );
}
