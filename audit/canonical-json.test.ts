import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.ts';

/** RFC 8785 appendix B: the bits of a number and its text. */
const numbers: readonly (readonly [bits: string, text: string])[] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['41b3de4355555555', '333333333.3333333'],
];

const numberOf = (bits: string): number => Buffer.from(bits, 'hex').readDoubleBE();

describe('canonicalJson', () => {
  it('sorts members by UTF-16 code units, not by code points or locale (RFC 8785 section 3.2.3)', () => {
    const scrambled = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\u{1f600}': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    const order = [...canonicalJson(scrambled).matchAll(/"[^"]*":"([^"]*)"/g)].map(([, value]) => value);
    expect(order).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
  });

  it('sorts capitals before small letters and 10 before 9, deep down too', () => {
    expect(canonicalJson({ b: [{ z: 1, Z: 2 }], a: { 9: true, 10: false } })).toBe(
      '{"a":{"10":false,"9":true},"b":[{"Z":2,"z":1}]}',
    );
  });

  it.each(numbers)('prints the number %s as %s', (bits, text) => {
    expect(canonicalJson(numberOf(bits))).toBe(text);
  });

  it('escapes what JSON asks for and nothing else', () => {
    expect(canonicalJson('\u20ac$\u000f\nA\'B"\\"/\u2028é')).toBe('"\u20ac$\\u000f\\nA\'B\\"\\\\\\"/\u2028é"');
  });

  it('keeps the order of lists and the three words', () => {
    expect(canonicalJson([3, null, true, false, 'a', []])).toBe('[3,null,true,false,"a",[]]');
  });

  it('leaves out members that are undefined', () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
  });

  const impossible: readonly (readonly [what: string, value: unknown])[] = [
    ['not a number', Number.NaN],
    ['an infinite number', { a: Number.NEGATIVE_INFINITY }],
    ['a lone high surrogate', '\ud83d'],
    ['a lone low surrogate in a name', { '\ude00': 1 }],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['undefined', undefined],
    ['an item that is undefined', [undefined]],
    ['a list with a hole', Array(2)],
    ['a date', new Date(0)],
    ['a map', { a: new Map([['b', 1]]) }],
  ];
  it.each(impossible)('refuses %s', (_what, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });

  it('prints what reads back as the same value, and prints that the same again', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
