import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../admission/request.ts';
import { pointer } from './finding.ts';
import { entriesAt, isSameJson, listAt, memberAt, resolvePointer, textAt } from './json-access.ts';

describe('reading JSON that nobody validated', () => {
  it('AR-03 takes no inherited member for data', () => {
    const parsed: unknown = JSON.parse('{"__proto__": {"x": "own"}, "a": {}}');
    const value: Json = isJson(parsed) ? parsed : null;
    expect(textAt(value, '__proto__', 'x')).toBe('own');
    expect([
      memberAt(value, 'constructor'),
      memberAt(value, 'a', '__proto__'),
      memberAt(value, 'a', 'toString'),
    ]).toEqual([undefined, undefined, undefined]);
  });

  it('AR-09 finds nothing where the type is wrong', () => {
    expect([
      textAt({ a: 1 }, 'a'),
      listAt({ a: {} }, 'a'),
      entriesAt({ a: [] }, 'a'),
      memberAt('text', 'length'),
      memberAt([1], 'length'),
    ]).toEqual([undefined, [], [], undefined, undefined]);
  });

  it('AR-13 resolves the pointers that rules write, whatever the keys', () => {
    const key = fc.oneof(fc.string(), fc.constantFrom('', '~', '/', '~1', '~0/', '0', 'ключ'));
    fc.assert(
      fc.property(fc.array(key, { maxLength: 5 }), (path) => {
        const value = path.reduceRight<Json>((inner, step) => ({ [step]: inner }), 'leaf');
        expect(resolvePointer(value, pointer('', ...path))).toBe('leaf');
      }),
    );
    expect(resolvePointer([['a'], ['b', 'c']], '/1/1')).toBe('c');
    expect([resolvePointer(['a'], '/01'), resolvePointer(['a'], '/-'), resolvePointer(['a'], '/length')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('compares by content', () => {
    expect(isSameJson({ a: [1, { b: null }], c: undefined }, { a: [1, { b: null }] })).toBe(true);
    expect(isSameJson({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
    expect(isSameJson([], {})).toBe(false);
    expect(isSameJson({ a: 1 }, { a: 1, b: 2 })).toBe(false);
  });

  it('calls what is nested beyond reason different, without exhausting the stack', () => {
    const deep = () => Array.from({ length: 100_000 }).reduce<Json>((inner) => [inner], 0);
    expect(isSameJson(deep(), deep())).toBe(false);
  });
});

function isJson(value: unknown): value is Json {
  return typeof value === 'object';
}
