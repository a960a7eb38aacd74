/*
 * A strict, bounded reader of DER (X.690). What BER allows and DER forbids is refused: indefinite and padded lengths, padded integers,
 * booleans other than 00 and FF, unused bits that are set. Nothing is copied: a node is a window on the input.
 *
 * A fault inside the reader travels as an exception of this file and becomes a problem in `decodeDer`, the only way in: so a reader of a
 * structure can be written as a plain sequence of reads, and nothing is ever thrown at a caller.
 */
import { accepted, type Parsed } from '../runtime/parsed.ts';
import { tags } from './der-tags.ts';
import { refuse, type SpiffeProblemCode } from './failures.ts';

/** The longest input read at all, in bytes. */
export const derLimitBytes = 64 * 1024;

/** The most children of one node: no certificate or request comes near. */
const childLimit = 256;

const oidLimitBytes = 64;

/** One element. `offset`: of its identifier octet in the input. `whole`: identifier, length and content; `content`: the content alone. */
export interface DerNode {
  readonly tag: number;
  readonly offset: number;
  readonly whole: Uint8Array;
  readonly content: Uint8Array;
}

/** Reads the children of a node in order. `end` must be called, so that nothing unread is left behind. */
export interface DerCursor {
  /** The next child, which must be there and have this tag. */
  take(tag: number, what: string): DerNode;
  /** The next child whatever it is, which must be there. */
  takeAny(what: string): DerNode;
  /** The next child if it has this tag. */
  takeIf(tag: number): DerNode | undefined;
  /** Whether nothing is left. */
  done(): boolean;
  /** Refuses anything left over. */
  end(what: string): void;
}

/** What a BIT STRING holds: `unusedBits` of the last byte are padding, and zero. */
export interface BitString {
  readonly bytes: Uint8Array;
  readonly unusedBits: number;
}

class DerFault extends Error {
  override readonly name = 'DerFault';
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/**
 * Reads exactly one element from `bytes`, at most 64 KiB, and hands it to `read`.
 *
 * Gives what `read` gives, or a problem with `code` and the byte offset of the first fault. `read` refuses by `malformed` and by the
 * readers of this file; any other exception is a mistake of ours and passes through.
 */
export function decodeDer<T>(
  bytes: Uint8Array,
  read: (root: DerNode) => T,
  code: SpiffeProblemCode = 'der-malformed',
): Parsed<T> {
  try {
    return accepted(read(readRoot(bytes)));
  } catch (error: unknown) {
    if (error instanceof DerFault) {
      return refuse(code, error.message, { offset: error.offset });
    }
    throw error;
  }
}

/** The one element that `bytes` is. */
export function readDer(bytes: Uint8Array): Parsed<DerNode> {
  return decodeDer(bytes, (root) => root);
}

/** Refuses, inside `decodeDer`. */
export function malformed(node: Pick<DerNode, 'offset'>, message: string): never {
  throw new DerFault(message, node.offset);
}

/** The children of a constructed node, to be read in order. */
export function derCursor(node: DerNode): DerCursor {
  const end = node.content.length;
  const base = node.offset + node.whole.length - end;
  let at = 0;
  const peekTag = (): number | undefined => node.content[at];
  const takeAny = (what: string): DerNode => {
    if (at >= end) {
      return malformed({ offset: base + at }, `${what} is missing`);
    }
    const child = readNode(node.content, at, base);
    at += child.whole.length;
    return child;
  };
  return {
    takeAny,
    take(tag, what) {
      return expectTag(takeAny(what), tag, what);
    },
    takeIf: (tag) => (peekTag() === tag ? takeAny('an optional element') : undefined),
    done: () => at >= end,
    end(what) {
      if (at < end) {
        malformed({ offset: base + at }, `${what} has more in it than it may`);
      }
    },
  };
}

/** The node itself when it has this tag. */
export function expectTag(node: DerNode, tag: number, what: string): DerNode {
  return node.tag === tag ? node : malformed(node, `${what} has the wrong type`);
}

/** Every child of a node, at most 256, each read by `read`. */
export function readEach<T>(node: DerNode, what: string, read: (child: DerNode) => T): T[] {
  const cursor = derCursor(node);
  const values: T[] = [];
  while (!cursor.done()) {
    if (values.length === childLimit) {
      malformed(node, `${what} has more than ${childLimit} elements`);
    }
    values.push(read(cursor.takeAny(what)));
  }
  return values;
}

/** The one child of an explicitly tagged node. */
export function readOnly(node: DerNode, tag: number, what: string): DerNode {
  const cursor = derCursor(node);
  const child = cursor.take(tag, what);
  cursor.end(what);
  return child;
}

/** BOOLEAN: 00 or FF. */
export function readBoolean(node: DerNode): boolean {
  const value = node.content[0];
  if (node.content.length !== 1 || (value !== 0x00 && value !== 0xff)) {
    return malformed(node, 'a boolean is one byte, 00 or FF');
  }
  return value === 0xff;
}

/** The content of an INTEGER of at most `limitBytes`: two's complement, not padded. */
export function readIntegerBytes(node: DerNode, limitBytes: number): Uint8Array {
  const [first = 0, second = 0] = node.content;
  const length = node.content.length;
  if (length === 0 || length > limitBytes) {
    return malformed(node, `an integer here has 1 to ${limitBytes} bytes`);
  }
  if (length > 1 && ((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    return malformed(node, 'an integer is not padded');
  }
  return node.content;
}

/** An INTEGER from 0 to 2^31 - 1. */
export function readSmallInteger(node: DerNode): number {
  const bytes = readIntegerBytes(node, 4);
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return (bytes[0] ?? 0) >= 0x80 ? malformed(node, 'this number is not negative') : value;
}

/** BIT STRING. */
export function readBitString(node: DerNode): BitString {
  const [unusedBits = 8] = node.content;
  const bytes = node.content.subarray(1);
  if (unusedBits > 7 || (bytes.length === 0 && unusedBits > 0)) {
    return malformed(node, 'a bit string says how many of its last bits are unused');
  }
  if (((bytes.at(-1) ?? 0) & ((1 << unusedBits) - 1)) !== 0) {
    return malformed(node, 'unused bits are zero');
  }
  return { bytes, unusedBits };
}

/** BIT STRING of whole bytes. */
export function readWholeBytes(node: DerNode): Uint8Array {
  const { bytes, unusedBits } = readBitString(node);
  return unusedBits === 0 ? bytes : malformed(node, 'this bit string has whole bytes');
}

/** OBJECT IDENTIFIER in dotted form. */
export function readObjectIdentifier(node: DerNode): string {
  if (node.content.length > oidLimitBytes) {
    return malformed(node, `an object identifier has at most ${oidLimitBytes} bytes`);
  }
  const arcs: number[] = [];
  let arc = 0;
  let isOpen = false;
  for (const byte of node.content) {
    if (!isOpen && byte === 0x80) {
      return malformed(node, 'an arc is not padded');
    }
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 128) {
      return malformed(node, 'an arc is too large');
    }
    isOpen = byte >= 0x80;
    if (!isOpen) {
      arcs.push(...(arcs.length === 0 ? firstArcs(arc) : [arc]));
      arc = 0;
    }
  }
  return isOpen || arcs.length === 0 ? malformed(node, 'an object identifier ends inside an arc') : arcs.join('.');
}

/** IA5String by whatever tag: bytes below 128 as text. */
export function readAscii(node: DerNode): string {
  if (node.content.some((byte) => byte >= 0x80)) {
    return malformed(node, 'this text is ASCII');
  }
  return Buffer.from(node.content).toString('latin1');
}

/** UTCTime or GeneralizedTime as RFC 5280, 4.1.2.5 restricts them: seconds, `Z`, no fractions. Two-digit years from 50 are 19xx. */
export function readTime(node: DerNode): Date {
  const text = readAscii(node);
  if (node.tag === tags.generalizedTime && text.length === 15) {
    return readDate(node, digits(node, text, 0, 4), text.slice(4));
  }
  if (node.tag === tags.utcTime && text.length === 13) {
    const year = digits(node, text, 0, 2);
    return readDate(node, year + (year < 50 ? 2000 : 1900), text.slice(2));
  }
  return malformed(node, 'a time is YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ');
}

function readRoot(bytes: Uint8Array): DerNode {
  if (bytes.length > derLimitBytes) {
    return malformed({ offset: derLimitBytes }, `more than ${derLimitBytes} bytes are not read`);
  }
  // A plain view: windows on a Buffer would be Buffers, and compare as something else.
  const root = readNode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), 0, 0);
  return root.whole.length === bytes.length ? root : malformed({ offset: root.whole.length }, 'bytes follow the end');
}

function readNode(bytes: Uint8Array, start: number, base: number): DerNode {
  const offset = base + start;
  const tag = bytes[start] ?? malformed({ offset }, 'nothing is there');
  if ((tag & 0x1f) === 0x1f) {
    return malformed({ offset }, 'tag numbers from 31 on are not used');
  }
  const { length, contentStart } = readLength(bytes, start + 1, base);
  const end = contentStart + length;
  if (end > bytes.length) {
    return malformed({ offset }, 'an element ends before its length');
  }
  return { tag, offset, whole: bytes.subarray(start, end), content: bytes.subarray(contentStart, end) };
}

function readLength(bytes: Uint8Array, start: number, base: number): { length: number; contentStart: number } {
  const offset = base + start;
  const first = bytes[start] ?? malformed({ offset }, 'a length is missing');
  if (first < 0x80) {
    return { length: first, contentStart: start + 1 };
  }
  const size = first & 0x7f;
  if (size === 0 || size > 3) {
    return malformed({ offset }, 'a length is definite and below 2^24');
  }
  let length = 0;
  for (let index = 1; index <= size; index += 1) {
    length = length * 256 + (bytes[start + index] ?? malformed({ offset }, 'a length is cut off'));
  }
  const shortest = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x1_0000 ? 2 : 3;
  return size === shortest
    ? { length, contentStart: start + 1 + size }
    : malformed({ offset }, 'a length is as short as can be');
}

function firstArcs(combined: number): [number, number] {
  const first = Math.min(2, Math.floor(combined / 40));
  return [first, combined - first * 40];
}

function readDate(node: DerNode, year: number, rest: string): Date {
  const [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map((start) => digits(node, rest, start, start + 2));
  const date = new Date(0);
  date.setUTCFullYear(year, (month ?? 0) - 1, day);
  date.setUTCHours(hour ?? 0, minute, second);
  // A calendar rolls 30 February over to March: what does not read back was no date.
  const printed = date.toISOString().slice(4, 19);
  const meant = `-${rest.slice(0, 2)}-${rest.slice(2, 4)}T${rest.slice(4, 6)}:${rest.slice(6, 8)}:${rest.slice(8, 10)}`;
  return rest.endsWith('Z') && printed === meant ? date : malformed(node, 'there is no such time');
}

function digits(node: DerNode, text: string, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index += 1) {
    const digit = text.charCodeAt(index) - 0x30;
    value = digit >= 0 && digit <= 9 ? value * 10 + digit : malformed(node, 'a time has digits');
  }
  return value;
}
