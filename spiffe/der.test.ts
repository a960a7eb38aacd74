import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Parsed } from '../runtime/parsed.ts';
import {
  type DerNode,
  decodeDer,
  derCursor,
  derLimitBytes,
  readAscii,
  readBitString,
  readBoolean,
  readDer,
  readEach,
  readIntegerBytes,
  readObjectIdentifier,
  readSmallInteger,
  readTime,
} from './der.ts';
import * as writer from './der-writer.ts';

const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const read = <T>(hex: string, reader: (node: DerNode) => T): Parsed<T> => decodeDer(bytes(hex), reader);
const malformedAt = (offset: number): object => ({ ok: false, problem: { code: 'der-malformed', offset } });

describe('readDer', () => {
  it.each([
    ['nothing', '', 0],
    ['a tag alone', '30', 1],
    ['bytes after the end', '0500 00', 2],
    ['a content cut off', '3003 0500', 0],
    ['an indefinite length', '3080 0000', 1],
    ['a padded length', '048101 00', 1],
    ['a padded long length', '04820001 00', 1],
    ['a length of four bytes', '0484 00000001 00', 1],
    ['a length cut off', '3082 01', 1],
    ['a high tag number', '1f8101 00', 0],
  ])('refuses %s', (_, hex, offset) => {
    expect(readDer(bytes(hex))).toMatchObject(malformedAt(offset));
  });

  it('reads nothing longer than 64 KiB', () => {
    const atLimit = writer.octetString(new Uint8Array(derLimitBytes - 4));
    expect(readDer(atLimit).ok).toBe(true);
    expect(readDer(writer.octetString(new Uint8Array(derLimitBytes - 3))).ok).toBe(false);
  });

  it('never throws and never reads outside, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (input) => {
        const root = readDer(input);
        return !root.ok || root.value.whole.length === input.length;
      }),
    );
  });

  it('lets a mistake of ours through', () => {
    expect(() =>
      decodeDer(bytes('0500'), () => {
        throw new RangeError('ours');
      }),
    ).toThrow(RangeError);
  });
});

describe('derCursor', () => {
  const pair = '3006 020101 0101ff';

  it('reads children in order, says what is missing and what is left', () => {
    expect(
      read(pair, (root) => {
        const cursor = derCursor(root);
        const number = readSmallInteger(cursor.take(0x02, 'a number'));
        const absent = cursor.takeIf(0x04);
        const flag = readBoolean(cursor.take(0x01, 'a flag'));
        cursor.end('a pair');
        return [number, absent, flag];
      }),
    ).toEqual({ ok: true, value: [1, undefined, true] });
    expect(read(pair, (root) => derCursor(root).take(0x01, 'a flag'))).toMatchObject(malformedAt(2));
    expect(read(pair, (root) => derCursor(root).end('a pair'))).toMatchObject(malformedAt(2));
    expect(read('3000', (root) => derCursor(root).takeAny('a child'))).toMatchObject(malformedAt(2));
  });

  it('reads at most 256 children', () => {
    const many = (count: number): Uint8Array =>
      writer.sequence(...Array.from({ length: count }, () => writer.nullValue()));
    const count = (input: Uint8Array): Parsed<number> =>
      decodeDer(input, (root) => readEach(root, 'a list', (child) => child).length);
    expect(count(many(256))).toEqual({ ok: true, value: 256 });
    expect(count(many(257))).toMatchObject({ ok: false });
  });

  it('gives offsets in the input at any depth', () => {
    const inner = writer.sequence(writer.sequence(writer.boolean(true), writer.integer(5)));
    const offsets = decodeDer(inner, (root) =>
      readEach(derCursor(root).takeAny('a list'), 'a list', (child) => child.offset),
    );
    expect(offsets).toEqual({ ok: true, value: [4, 7] });
  });
});

describe('the readers of values', () => {
  it.each([
    ['a boolean of 01', '010101', readBoolean],
    ['an empty boolean', '0100', readBoolean],
    ['an empty integer', '0200', readSmallInteger],
    ['a padded integer', '02020001', readSmallInteger],
    ['a padded negative integer', '0202ff80', (node: DerNode) => readIntegerBytes(node, 8)],
    ['a negative number where none may be', '0201ff', readSmallInteger],
    ['an integer too long', '0203010000', (node: DerNode) => readIntegerBytes(node, 2)],
    ['a bit string without its first byte', '0300', readBitString],
    ['eight unused bits', '03020800', readBitString],
    ['unused bits of nothing', '030101', readBitString],
    ['unused bits that are set', '03020101', readBitString],
    ['an empty object identifier', '0600', readObjectIdentifier],
    ['an object identifier that ends inside an arc', '06025581', readObjectIdentifier],
    ['a padded arc', '0603558001', readObjectIdentifier],
    ['an endless arc', '060b55ffffffffffffffffff7f', readObjectIdentifier],
    ['text beyond ASCII', '1601e4', readAscii],
  ] as const)('refuse %s', (_, hex, reader) => {
    expect(decodeDer<unknown>(bytes(hex), reader)).toMatchObject(malformedAt(0));
  });

  it.each([
    ['YYMMDDHHMMSSZ', '490101000000Z', '2049-01-01T00:00:00.000Z'],
    ['the last century', '500101000000Z', '1950-01-01T00:00:00.000Z'],
    ['a leap day', '240229235959Z', '2024-02-29T23:59:59.000Z'],
    ['four digits', '20500101000000Z', '2050-01-01T00:00:00.000Z'],
    ['no end', '99991231235959Z', '9999-12-31T23:59:59.000Z'],
  ])('read a time in %s', (_, text, expected) => {
    expect(decodeDer(writer.asciiText(text.length === 13 ? 0x17 : 0x18, text), readTime)).toEqual({
      ok: true,
      value: new Date(expected),
    });
  });

  it.each([
    '230229000000Z',
    '241301000000Z',
    '240001000000Z',
    '240132000000Z',
    '240101240000Z',
    '240101006000Z',
    '240101000060Z',
    '2401010000Z',
    '240101000000+0000',
    '24010100000 Z',
    '240101000000z',
    '20240101000000.5Z',
    '2024010100000Z',
  ])('refuse the time %s', (text) => {
    expect(
      decodeDer(writer.asciiText(text.startsWith('20') && text.length > 13 ? 0x18 : 0x17, text), readTime).ok,
    ).toBe(false);
  });
});
