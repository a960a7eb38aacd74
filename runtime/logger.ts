import { type Logger as PinoLogger, pino } from 'pino';
import { looksLikeCredential } from './credential-shapes.ts';
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

/** A copy of the fields with errors described and secrets withheld; objects deeper than six levels are cut. */
function printable(value: unknown, depth = 0): unknown {
  if (value instanceof Secret) {
    return value.toString();
  }
  if (value instanceof Error) {
    return printable(describeError(value), depth + 1);
  }
  if (typeof value === 'string') {
    return looksLikeCredential(value) ? withheld : value;
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

/** The fields of one line, or of all lines of a child. */
const printableFields = (fields: object): object =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      neverPrinted.has(name.toLowerCase()) ? withheld : printable(value),
    ]),
  );

/**
 * One JSON line per message, `kind: "log"`, to `write` (which gets the line with its newline). Made once, in `main.ts`, and handed down.
 *
 * Errors are described, `Secret`s print as `[secret]`, and what stands under a telling name or looks like a token or key is withheld.
 */
export function createLogger(options: {
  readonly program: string;
  readonly level: LogLevel;
  readonly write: (line: string) => void;
}): Logger {
  return safe(
    pino(
      {
        level: options.level,
        base: { kind: 'log', program: options.program },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      { write: options.write },
    ),
  );
}

/** Pino sees printable fields only, those of children among them. */
function safe(inner: PinoLogger): Logger {
  const at =
    (level: Exclude<LogLevel, 'silent'>) =>
    (fields: object, message: string): void => {
      if (inner.isLevelEnabled(level)) {
        inner[level](printableFields(fields), looksLikeCredential(message) ? withheld : message);
      }
    };
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: (fields) => safe(inner.child(printableFields(fields))),
  };
}
