import { z } from 'zod';
import { accepted, type Parsed, refused } from '../parsed.ts';

/*
 * What a setting can be: each kind reads text from the environment and prints the same text back, so that the injector writes what the sidecar reads.
 * A text that does not fit gives one issue whose message says what is expected; it never throws.
 */

/** What a row of a settings table says about itself. `perPod`: a pod's author may set it by annotation, within the kind's bounds. */
export interface SettingMeta {
  readonly description?: string;
  readonly example?: string;
  readonly secret?: boolean;
  readonly perPod?: boolean;
  /** Path of the value in the Helm chart. */
  readonly helm?: string;
}

/** The metadata of a kind, as far as it is ours. */
export function settingMeta(kind: z.ZodType): SettingMeta {
  const { description, example, secret, perPod, helm } = kind.meta() ?? {};
  return {
    ...(typeof description === 'string' ? { description } : {}),
    ...(typeof example === 'string' ? { example } : {}),
    ...(typeof secret === 'boolean' ? { secret } : {}),
    ...(typeof perPod === 'boolean' ? { perPod } : {}),
    ...(typeof helm === 'string' ? { helm } : {}),
  };
}

/** What texts of a kind look like, in words: `a whole number from 1 to 65535`. Looks through defaults and optional members. */
export function settingForm(kind: z.ZodType): string {
  const form: unknown = kind.meta()?.['form'];
  if (typeof form === 'string') {
    return form;
  }
  const inner = kind instanceof z.ZodDefault || kind instanceof z.ZodOptional ? kind.unwrap() : undefined;
  return inner instanceof z.ZodType ? settingForm(inner) : 'text';
}

const longestText = 16_384;

function kind<T>(
  form: string,
  parse: (text: string) => Parsed<T>,
  print: (value: T) => string,
): z.ZodCodec<z.ZodString, z.ZodCustom<T, T>> {
  const codec = z.codec(z.string(), z.custom<T>(), {
    decode(text, context) {
      const parsed: Parsed<T> =
        text.length > longestText
          ? refused({ code: 'too-long', message: `expected at most ${longestText} characters` })
          : parse(text);
      if (parsed.ok) {
        return parsed.value;
      }
      context.issues.push({ code: 'custom', input: text, message: parsed.problem.message });
      return z.NEVER;
    },
    encode: print,
  });
  return codec.meta({ form });
}

const expected = (what: string): Parsed<never> => refused({ code: 'not-expected', message: `expected ${what}` });

/** Any text but an empty one. */
export const text = () =>
  kind<string>(
    'text',
    (value) => (value === '' ? expected('some text') : accepted(value)),
    (value) => value,
  );

/** One of the words, exactly. */
export function oneOf<const T extends string>(words: readonly [T, ...T[]]) {
  const isWord = (value: string): value is T => words.some((word) => word === value);
  const form = `one of ${words.join(', ')}`;
  return kind<T>(
    form,
    (value) => (isWord(value) ? accepted(value) : expected(form)),
    (value) => value,
  );
}

/** A whole number from `min` to `max`, in decimal digits. */
export function integer({ min, max }: { readonly min: number; readonly max: number }) {
  const form = `a whole number from ${min} to ${max}`;
  return kind<number>(
    form,
    (value) => {
      const number = /^(0|-?[1-9][0-9]{0,15})$/.test(value) ? Number(value) : Number.NaN;
      return number >= min && number <= max ? accepted(number) : expected(form);
    },
    (value) => String(value),
  );
}

/** `true` or `false`. */
export const boolean = () =>
  kind<boolean>(
    'true or false',
    (value) => (value === 'true' || value === 'false' ? accepted(value === 'true') : expected('true or false')),
    (value) => String(value),
  );

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `1h30m`, `10s`, `250ms` as milliseconds; undefined for anything else. Units fall: d, h, m, s, ms. */
export function parseDuration(value: string): number | undefined {
  const match = /^(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,6})s)?(?:(\d{1,9})ms)?$/.exec(value);
  if (match === null || value === '') {
    return value === '0' ? 0 : undefined;
  }
  const [, d, h, m, s, ms] = match;
  const total = (count: string | undefined, unit: keyof typeof unitMs): number => Number(count ?? 0) * unitMs[unit];
  return total(d, 'd') + total(h, 'h') + total(m, 'm') + total(s, 's') + total(ms, 'ms');
}

/** The text that `parseDuration` reads back, in the largest unit that divides it. */
export function printDuration(ms: number): string {
  const fitting = (['h', 'm', 's'] as const).find((unit) => ms > 0 && ms % unitMs[unit] === 0);
  return fitting === undefined ? `${ms}ms` : `${ms / unitMs[fitting]}${fitting}`;
}

/** A length of time from `min` to `max` milliseconds: `24h`, `10s`, `1m30s`, `250ms` outside, milliseconds inside. */
export function duration({ min, max }: { readonly min: number; readonly max: number }) {
  const form = `a duration from ${printDuration(min)} to ${printDuration(max)}`;
  return kind<number>(
    form,
    (value) => {
      const ms = parseDuration(value);
      return ms !== undefined && ms >= min && ms <= max ? accepted(ms) : expected(`${form}, such as 10s or 24h`);
    },
    printDuration,
  );
}

/** An absolute http or https URL without user information. */
export const url = () =>
  kind<URL>(
    'an http or https URL without user information',
    (value) => {
      const parsed = URL.canParse(value) ? new URL(value) : undefined;
      const isGood =
        parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.username === '' && parsed.password === '';
      return isGood ? accepted(parsed) : expected('an http or https URL without user information');
    },
    (value) => value.href,
  );

/** A path from the root, without `..` segments. */
export const absolutePath = () =>
  kind<string>(
    'an absolute path without ..',
    (value) =>
      value.startsWith('/') && !value.split('/').includes('..') && !value.includes('\0')
        ? accepted(value)
        : expected('an absolute path without ..'),
    (value) => value,
  );

/** Values of one kind, separated by commas; the empty text is the empty list. */
export function listOf<T>(item: z.ZodType<T, string>) {
  return kind<readonly T[]>(
    `a comma-separated list, each ${settingForm(item)}`,
    (value) => {
      const items: T[] = [];
      for (const part of value === '' ? [] : value.split(',')) {
        const decoded = z.safeDecode(item, part.trim());
        if (!decoded.success) {
          return expected(
            `a comma-separated list, each ${decoded.error.issues[0]?.message.replace(/^expected /, '') ?? 'fitting'}`,
          );
        }
        items.push(decoded.data);
      }
      return accepted(items);
    },
    (values) => values.map((value) => z.encode(item, value)).join(','),
  );
}

/** A value with a parser of its own, such as a trust domain. `print` gives the text that `parse` reads back; `form` says in words what that is. */
export function parsed<T>(parse: (text: string) => Parsed<T>, print: (value: T) => string, form = 'text') {
  return kind<T>(
    form,
    (value) => {
      const outcome = parse(value);
      return outcome.ok || outcome.problem.message.startsWith('expected ')
        ? outcome
        : refused({ ...outcome.problem, message: `not accepted: ${outcome.problem.message}` });
    },
    print,
  );
}

/** Structured values as JSON. */
export function json<T>(schema: z.ZodType<T>) {
  return kind<T>(
    'JSON',
    (value) => {
      const outcome = schema.safeParse(parseJson(value));
      if (outcome.success) {
        return accepted(outcome.data);
      }
      const issue = outcome.error.issues[0];
      const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
      return refused({
        code: 'not-json',
        message: `expected JSON of the documented form: ${issue?.message ?? 'unreadable'}${where}`,
      });
    },
    (value) => JSON.stringify(value),
  );
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
