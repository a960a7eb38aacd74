/*
 * Writes DER. Every function gives one complete element, so that a structure reads in code as it reads in its ASN.1 module.
 */
import { tags } from './der-tags.ts';

/** One element with any identifier octet around the content, given whole or in parts. */
export function element(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  const header = [tag, ...lengthBytes(length)];
  const bytes = new Uint8Array(header.length + length);
  bytes.set(header);
  let at = header.length;
  for (const part of content) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export const sequence = (...items: readonly Uint8Array[]): Uint8Array => element(tags.sequence, ...items);

/** SET OF: DER wants the elements in the order of their encodings. */
export const setOf = (...items: readonly Uint8Array[]): Uint8Array =>
  element(tags.set, ...items.toSorted((one, other) => Buffer.compare(one, other)));

export const boolean = (value: boolean): Uint8Array => element(tags.boolean, Uint8Array.of(value ? 0xff : 0x00));

export const nullValue = (): Uint8Array => element(tags.null);

export const octetString = (content: Uint8Array): Uint8Array => element(tags.octetString, content);

/** BIT STRING of whole bytes. */
export const bitString = (content: Uint8Array): Uint8Array => element(tags.bitString, Uint8Array.of(0), content);

/** A named-bit BIT STRING from the numbers of the bits that are set, without trailing zeros. `bits`: 0 to 15. */
export function namedBits(bits: readonly number[]): Uint8Array {
  const last = Math.max(-1, ...bits);
  const bytes = new Uint8Array(Math.ceil((last + 1) / 8));
  for (const bit of bits) {
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  }
  return element(tags.bitString, Uint8Array.of(last === -1 ? 0 : 7 - (last & 7)), bytes);
}

/** INTEGER from the big-endian bytes of a number that is not negative. */
export function unsignedInteger(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first === -1 ? Uint8Array.of(0) : bytes.subarray(first);
  return (digits[0] ?? 0) >= 0x80 ? element(tags.integer, Uint8Array.of(0), digits) : element(tags.integer, digits);
}

/** INTEGER from 0 to 2^32 - 1. */
export function integer(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return unsignedInteger(bytes);
}

/** OBJECT IDENTIFIER from its dotted form, such as `2.5.29.17`. */
export function objectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(tags.objectIdentifier, Uint8Array.from([first * 40 + second, ...rest].flatMap(arcBytes)));
}

export const utf8String = (text: string): Uint8Array => element(tags.utf8String, Buffer.from(text, 'utf8'));

/** The text of an IA5String under any identifier octet; `text` is ASCII. */
export const asciiText = (tag: number, text: string): Uint8Array => element(tag, Buffer.from(text, 'latin1'));

/** A time to the second: UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280, 4.1.2.5). */
export function time(date: Date): Uint8Array {
  const text = `${date.toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '').replace('T', '')}Z`;
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050 ? asciiText(tags.utcTime, text.slice(2)) : asciiText(tags.generalizedTime, text);
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) {
    return [length];
  }
  const digits: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) {
    digits.unshift(rest % 256);
  }
  return [0x80 | digits.length, ...digits];
}

function arcBytes(arc: number): number[] {
  const digits = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    digits.unshift(0x80 | (rest % 128));
  }
  return digits;
}
