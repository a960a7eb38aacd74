import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { accepted, refused } from '../parsed.ts';
import { defineSettings, type SettingsShape, type SettingsTable, variableOf } from './define-settings.ts';
import { absolutePath, boolean, duration, integer, json, listOf, oneOf, parsed, text, url } from './kinds.ts';
import { printSettingsTable } from './print-docs.ts';
import { printEnvironment } from './print-environment.ts';
import { type Environment, readSettings, SettingsFailure } from './read-settings.ts';

const upper = (value: string) =>
  value === value.toUpperCase() ? accepted({ name: value }) : refused({ code: 'case', message: 'expected capitals' });

const table = defineSettings({
  name: text().meta({ description: 'Who we are.', example: 'left|right' }),
  level: oneOf(['debug', 'info']).default('info'),
  retries: integer({ min: 0, max: 9 }).default(3),
  isDry: boolean().default(false),
  x509Ttl: duration({ min: 10_000, max: 86_400_000 }).optional().meta({ perPod: true }),
  server: url().optional(),
  directory: absolutePath().default('/var/lib'),
  ports: listOf(integer({ min: 1, max: 65_535 })).default([]),
  capitals: parsed(upper, ({ name }) => name).optional(),
  bounds: json(z.strictObject({ low: z.int(), high: z.int() })).optional(),
  passphraseFile: absolutePath().optional().meta({ secret: true }),
  rules: { 'credential-in-env': { mode: oneOf(['warn', 'enforce']).optional() } },
});

/** What reading says is wrong: the lines after the heading. */
function mistakesIn<Shape extends SettingsShape>(of: SettingsTable<Shape>, environment: Environment): string[] {
  const [heading = '', ...lines] = messageOf(() => readSettings(of, environment)).split('\n');
  expect(heading).toBe(lines.length === 0 ? '' : `${lines.length} mistake(s) in the settings:`);
  return lines.map((line) => line.trim());
}

function messageOf(read: () => unknown): string {
  try {
    read();
    return '';
  } catch (error) {
    return error instanceof SettingsFailure ? error.message : 'another error';
  }
}

const mistakesOf = (environment: Environment): string[] => mistakesIn(table, environment);

describe('readSettings', () => {
  it('fills in defaults and leaves out what is optional', () => {
    const settings = readSettings(table, { SALLYPORT_NAME: 'gate' });
    expect(settings).toEqual({
      name: 'gate',
      level: 'info',
      retries: 3,
      isDry: false,
      directory: '/var/lib',
      ports: [],
      rules: { 'credential-in-env': {} },
    });
  });

  it('freezes what it gives, lists and groups included', () => {
    const settings = readSettings(table, { SALLYPORT_NAME: 'gate', SALLYPORT_PORTS: '1,2' });
    expect(Object.isFrozen(settings)).toBe(true);
    expect(Object.isFrozen(settings.ports)).toBe(true);
    expect(Object.isFrozen(settings.rules['credential-in-env'])).toBe(true);
  });

  it('names a nested setting by its path in capitals', () => {
    expect(variableOf(['rules', 'credential-in-env', 'mode'])).toBe('SALLYPORT_RULES_CREDENTIAL_IN_ENV_MODE');
    expect(variableOf(['x509Ttl'])).toBe('SALLYPORT_X509_TTL');
    const settings = readSettings(table, {
      SALLYPORT_NAME: 'gate',
      SALLYPORT_RULES_CREDENTIAL_IN_ENV_MODE: 'warn',
    });
    expect(settings.rules['credential-in-env'].mode).toBe('warn');
  });

  it('tells all mistakes at once: variable, what was read, what is expected', () => {
    expect(
      mistakesOf({
        SALLYPORT_LEVEL: 'loud',
        SALLYPORT_RETRIES: '80x',
        SALLYPORT_IS_DRY: 'yes',
        SALLYPORT_X509_TTL: '9s',
        SALLYPORT_SERVER: 'https://user:word@example.org',
        SALLYPORT_DIRECTORY: '/var/../etc',
        SALLYPORT_PORTS: '80,0',
        SALLYPORT_CAPITALS: 'low',
        SALLYPORT_BOUNDS: '{"low":1,"high":"2"}',
        SALLYPORT_RULES_CREDENTIAL_IN_ENV_MODE: '',
      }),
    ).toEqual([
      'SALLYPORT_NAME: not set, expected something like left|right: Who we are.',
      'SALLYPORT_LEVEL: read "loud", expected one of debug, info',
      'SALLYPORT_RETRIES: read "80x", expected a whole number from 0 to 9',
      'SALLYPORT_IS_DRY: read "yes", expected true or false',
      'SALLYPORT_X509_TTL: read "9s", expected a duration from 10s to 24h, such as 10s or 24h',
      'SALLYPORT_SERVER: read "https://...@example.org", expected an http or https URL without user information',
      'SALLYPORT_DIRECTORY: read "/var/../etc", expected an absolute path without ..',
      'SALLYPORT_PORTS: read "80,0", expected a comma-separated list, each a whole number from 1 to 65535',
      'SALLYPORT_CAPITALS: read "low", expected capitals',
      'SALLYPORT_BOUNDS: read "{\\"low\\":1,\\"high\\":\\"2\\"}", expected JSON of the documented form: Invalid input: expected number, received string at high',
      'SALLYPORT_RULES_CREDENTIAL_IN_ENV_MODE: read "", expected one of warn, enforce',
    ]);
  });

  it('does not show what was read where the setting is secret', () => {
    expect(mistakesOf({ SALLYPORT_NAME: 'gate', SALLYPORT_PASSPHRASE_FILE: 'hunter2' })).toEqual([
      'SALLYPORT_PASSPHRASE_FILE: read a value that is not shown, expected an absolute path without ..',
    ]);
    const token = ['hvs', 'CAESIJ0123456789abcdefgh'].join('.');
    expect(mistakesOf({ SALLYPORT_NAME: 'gate', SALLYPORT_DIRECTORY: token })).toEqual([
      'SALLYPORT_DIRECTORY: read a value that is not shown, expected an absolute path without ..',
    ]);
  });

  it('refuses an unknown variable and says which was probably meant', () => {
    expect(mistakesOf({ SALLYPORT_NAME: 'gate', SALLYPORT_RETRYS: '2', SALLYPORT_COFFEE: 'black' })).toEqual([
      'SALLYPORT_RETRYS: no such setting; did you mean SALLYPORT_RETRIES?',
      'SALLYPORT_COFFEE: no such setting',
    ]);
  });

  it('ignores the variables of tests, of other programs and of Services in the namespace', () => {
    expect(
      mistakesOf({
        SALLYPORT_NAME: 'gate',
        SALLYPORT_VECTORS: '/vectors',
        SALLYPORT_CLUSTER_KUBECONFIG: '/kube',
        SALLYPORT_WEBHOOK_SERVICE_HOST: '10.96.0.7',
        SALLYPORT_WEBHOOK_SERVICE_PORT: '443',
        SALLYPORT_WEBHOOK_PORT_443_TCP_ADDR: '10.96.0.7',
        OTHER_RETRIES: 'many',
      }),
    ).toEqual([]);
  });

  it('reports a rule between fields together with the mistakes of other fields', () => {
    const ruled = defineSettings(
      { low: integer({ min: 0, max: 9 }), high: integer({ min: 0, max: 9 }), group: { other: boolean() } },
      [{ fields: ['low', 'high'], check: ({ low, high }) => (low <= high ? undefined : 'low must not exceed high') }],
    );
    expect(mistakesIn(ruled, { SALLYPORT_LOW: '5', SALLYPORT_HIGH: '4', SALLYPORT_GROUP_OTHER: 'x' })).toEqual([
      'SALLYPORT_GROUP_OTHER: read "x", expected true or false',
      'SALLYPORT_LOW, SALLYPORT_HIGH: low must not exceed high',
    ]);
    expect(mistakesIn(ruled, { SALLYPORT_LOW: '5', SALLYPORT_HIGH: 'x', SALLYPORT_GROUP_OTHER: 'true' })).toHaveLength(
      1,
    );
  });

  it('reads a table without settings', () => {
    expect(readSettings(defineSettings({}), { PATH: '/bin' })).toEqual({});
  });

  it('refuses a table in which two settings share a variable', () => {
    expect(() => defineSettings({ aB: text(), 'a-b': text() })).toThrow(TypeError);
  });
});

describe('printEnvironment', () => {
  it('writes what readSettings reads back to the same values', () => {
    const maybe = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(values, { nil: undefined });
    const values = fc.record({
      name: fc.string({ minLength: 1, maxLength: 40 }),
      level: fc.constantFrom('debug' as const, 'info' as const),
      retries: fc.integer({ min: 0, max: 9 }),
      isDry: fc.boolean(),
      x509Ttl: maybe(fc.integer({ min: 10_000, max: 86_400_000 })),
      server: maybe(fc.constantFrom(new URL('https://example.org/a?b=c'), new URL('http://[::1]:8080/'))),
      directory: fc.constantFrom('/', '/var/run', '/a b/c'),
      ports: fc.array(fc.integer({ min: 1, max: 65_535 })),
      capitals: maybe(fc.constantFrom({ name: 'ABC' }, { name: '' })),
      bounds: maybe(fc.record({ low: fc.integer(), high: fc.integer() })),
      passphraseFile: maybe(fc.constant('/run/passphrase')),
      rules: fc.record({ 'credential-in-env': fc.record({ mode: maybe(fc.constant('enforce' as const)) }) }),
    });
    fc.assert(
      fc.property(values, (settings) => {
        expect(readSettings(table, printEnvironment(table, settings))).toEqual(settings);
      }),
    );
  });
});

describe('printSettingsTable', () => {
  it('prints one line per setting with form, default and meaning', () => {
    const lines = printSettingsTable(table, { annotationOf: ({ path }) => `sallyport.dev/${path.join('-')}` }).split(
      '\n',
    );
    expect(lines).toHaveLength(2 + table.rows.length);
    expect(lines[2]).toBe('| `SALLYPORT_NAME` | text | required | Who we are. Example: `left\\|right`. |');
    expect(lines[4]).toBe('| `SALLYPORT_RETRIES` | a whole number from 0 to 9 | `3` |  |');
    expect(lines[6]).toBe(
      '| `SALLYPORT_X509_TTL` | a duration from 10s to 24h | none | Per pod: `sallyport.dev/x509Ttl`. |',
    );
    expect(lines[9]).toContain('| a comma-separated list, each a whole number from 1 to 65535 | empty |');
  });
});
