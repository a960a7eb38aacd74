import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../admission/request.ts';
import { boundContent, canonicalJson, digestOf } from './digest.ts';
import { entriesAt, isJsonObject, listAt } from './json-access.ts';

describe('canonical JSON', () => {
  it('RFC 8785 section 3.2.3 sorts members by UTF-16 code units', () => {
    const value = {
      '\u20ac': 'Euro',
      '\r': 'Return',
      '\ufb33': 'Dalet',
      '1': 'One',
      '\ud83d\ude00': 'Smiley',
      '\u0080': 'Control',
      '\u00f6': 'Latin',
    };
    expect(canonicalJson(value)).toBe(
      '{"\\r":"Return","1":"One","\u0080":"Control","\u00f6":"Latin","\u20ac":"Euro","\ud83d\ude00":"Smiley","\ufb33":"Dalet"}',
    );
  });

  it('RFC 8785 section 3.2.2.3 writes numbers as ECMAScript does', () => {
    expect(canonicalJson([333333333.3333333, 1e30, 4.5, 2e-3, 1e-27, 0, -0])).toBe(
      '[333333333.3333333,1e+30,4.5,0.002,1e-27,0,0]',
    );
  });

  it('is the same for the same content in any order, and parses back to it', () => {
    fc.assert(
      fc.property(json(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
    );
  });
});

describe('a digest', () => {
  it('binds the names of a Secret’s keys and no value', () => {
    const of = (secret: { readonly [member: string]: Json }) =>
      digestOf(boundContent({ group: '', kind: 'Secret' }, secret) ?? null);
    expect(of({ type: 'Opaque', data: { b: 'x', a: 'y' } })).toBe(of({ type: 'Opaque', data: { a: 'z', b: 'w' } }));
    expect(of({ type: 'Opaque', data: { b: 'x' } })).not.toBe(of({ type: 'Opaque', data: { a: 'x' } }));
    expect(of({})).toMatch(/^sha256:[0-9a-f]{64}$/);
  });
});

function json(): fc.Arbitrary<Json> {
  return fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        fc.constant(null),
      ),
      fc.dictionary(fc.string(), tie('json'), { maxKeys: 5 }),
      fc.array(tie('json'), { maxLength: 4 }),
    ),
  })).json;
}

/** The same content, members last first. */
function reversed(value: Json): Json {
  if (isJsonObject(value)) {
    return Object.fromEntries(
      entriesAt(value)
        .toReversed()
        .map(([key, member]) => [key, reversed(member)]),
    );
  }
  return Array.isArray(value) ? listAt(value).map(reversed) : value;
}
