import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isList, isMembers, type JsonValue, parseStrictJson } from './strict-json.ts';

describe('parseStrictJson', () => {
  it('B-08 refuses a member name that stands twice, which JSON.parse lets pass', () => {
    expect(JSON.parse('{"a":1,"a":2}')).toEqual({ a: 2 });
    expect(parseStrictJson('{"a":1,"a":2}')).toMatchObject({
      ok: false,
      problem: { code: 'json-malformed', clause: 'B-08', offset: 7 },
    });
  });

  it.each([
    ['{"a":1,"\\u0061":2}', 'written with an escape'],
    ['[{"x":{"a":1,"b":2,"a":3}}]', 'deep inside'],
    ['{"":1,"":2}', 'that is empty'],
    ['{"__proto__":1,"__proto__":2}', 'that means something to the language'],
  ])('B-08 refuses the name twice in %s, %s', (text) => {
    expect(parseStrictJson(text)).toMatchObject({ ok: false, problem: { message: 'a member name stands twice' } });
  });

  it('accepts one name in two objects', () => {
    expect(parseStrictJson('[{"a":1},{"a":{"a":2}}]').ok).toBe(true);
  });

  it('B-02 keeps integers beyond 2^53, which JSON.parse rounds', () => {
    const texts = ['9007199254740991', '9007199254740993', '18446744073709551615', '-9007199254740993'];
    expect(parseStrictJson(`[${texts.join(',')}]`)).toEqual({
      ok: true,
      value: [9_007_199_254_740_991, 9_007_199_254_740_993n, 18_446_744_073_709_551_615n, -9_007_199_254_740_993n],
    });
  });

  it('nests 8 deep and no deeper', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseStrictJson(nested(8)).ok).toBe(true);
    expect(parseStrictJson(nested(9))).toMatchObject({ ok: false, problem: { offset: 8 } });
    expect(parseStrictJson('{"a":'.repeat(9)).ok).toBe(false);
    expect(parseStrictJson('['.repeat(1_000_000)).ok).toBe(false);
  });

  it('reads 1 MiB and no more, in bytes', () => {
    const text = (length: number): string => `"${'ä'.repeat((length - 2) / 2)}"`;
    expect(parseStrictJson(text(1024 * 1024)).ok).toBe(true);
    expect(parseStrictJson(text(1024 * 1024 + 2)).ok).toBe(false);
  });

  it.each([
    '',
    ' ',
    '{',
    '}',
    '[',
    '[1',
    '[1,]',
    '[,1]',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{a:1}',
    "{'a':1}",
    '1 2',
    'nul',
    'NaN',
    'Infinity',
    'undefined',
    '01',
    '-',
    '+1',
    '.5',
    '1.',
    '1e',
    '1e+',
    '0x1',
    '"',
    '"\n"',
    '"\\',
    '"\\x"',
    '"\\u12"',
    '"\\u123',
    '[1]]',
    '/**/1',
    '\uFEFF1',
    '1'.repeat(65),
  ])('refuses %j', (text) => {
    expect(parseStrictJson(text)).toMatchObject({ ok: false, problem: { code: 'json-malformed' } });
  });

  it('agrees with JSON.parse about every text without duplicates and within the bounds', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        const read = parseStrictJson(text);
        expect(read.ok && plain(read.value)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('accepts nothing that JSON.parse refuses, and never throws', () => {
    const scrap = fc.array(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '\\',
        'u00',
        '1',
        '-',
        '.',
        'e',
        'null',
        'true',
        ' ',
        '\n',
        'a',
      ),
      {
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(scrap, (parts) => {
        const text = parts.join('');
        return !parseStrictJson(text).ok || isJson(text);
      }),
      { numRuns: 5000 },
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Large integers rounded, as JSON.parse does. */
function plain(value: JsonValue): unknown {
  if (isList(value)) {
    return value.map(plain);
  }
  if (isMembers(value)) {
    return Object.fromEntries([...value].map(([name, member]) => [name, plain(member)]));
  }
  return typeof value === 'bigint' ? Number(value) : value;
}
