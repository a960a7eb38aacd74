import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDer, readBitString, readIntegerBytes, readObjectIdentifier, readSmallInteger, readTime } from './der.ts';
import * as writer from './der-writer.ts';
import { oids } from './object-identifiers.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('what is written', () => {
  it('has lengths as short as can be', () => {
    const header = (length: number): string => hex(writer.octetString(new Uint8Array(length)).subarray(0, 5));
    expect([0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000].map((length) => header(length).slice(0, 10))).toEqual([
      '0400',
      '047f000000',
      '0481800000',
      '0481ff0000',
      '0482010000',
      '0482ffff00',
      '0483010000',
    ]);
  });

  it('orders a set by its encodings', () => {
    expect(hex(writer.setOf(writer.integer(5), writer.boolean(true), writer.integer(1)))).toBe(
      '31090101ff020101020105',
    );
  });

  it.each([
    [[], '030100'],
    [[0], '03020780'],
    [[5, 6], '03020106'],
    [[8], '0303070080'],
  ])('writes named bits %j without trailing zeros', (bits, expected) => {
    expect(hex(writer.namedBits(bits))).toBe(expected);
    expect(decodeDer(writer.namedBits(bits), readBitString).ok).toBe(true);
  });

  it.each(Object.values(oids))('reads back the object identifier %s', (dotted) => {
    expect(decodeDer(writer.objectIdentifier(dotted), readObjectIdentifier)).toEqual({ ok: true, value: dotted });
  });

  it('reads back numbers', () => {
    fc.assert(
      fc.property(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 20 }), (number, digits) => {
        const small = decodeDer(writer.integer(number), readSmallInteger);
        const large = decodeDer(writer.unsignedInteger(digits), (node) =>
          BigInt(`0x${hex(readIntegerBytes(node, 21))}`),
        );
        expect(small).toEqual({ ok: true, value: number });
        expect(large).toEqual({ ok: true, value: BigInt(`0x${hex(digits)}`) });
      }),
    );
  });

  it('reads back times to the second, before and after 2050', () => {
    const range = { min: new Date('1950-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true };
    fc.assert(
      fc.property(fc.date(range), (date) => {
        date.setUTCMilliseconds(0);
        expect(decodeDer(writer.time(date), readTime)).toEqual({ ok: true, value: date });
      }),
    );
  });
});
