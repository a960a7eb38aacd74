/*
 * JSON as trust needs it read (B-08): `JSON.parse` keeps the last of two members of one name silently and rounds integers beyond 2^53.
 * Here a name that stands twice is refused, after its escapes are resolved; integers beyond 2^53 come out as bigint; depth and size are
 * bounded. One grammar, RFC 8259, so that there is no second opinion about where a name stands.
 */
import { accepted, type Parsed } from '../runtime/parsed.ts';
import { type ProblemDetails, refuse } from './failures.ts';

/** Objects are maps, so that no member name means anything to the language. */
export type JsonValue = null | boolean | number | bigint | string | readonly JsonValue[] | JsonMembers;
export type JsonMembers = ReadonlyMap<string, JsonValue>;

export const jsonLimits = { bytes: 1024 * 1024, depth: 8 } as const;

class JsonFault extends Error {
  override readonly name = 'JsonFault';
  readonly details: ProblemDetails;

  constructor(message: string, details: ProblemDetails) {
    super(message);
    this.details = details;
  }
}

/**
 * Reads one JSON text of at most 1 MiB in UTF-8, objects and arrays nested at most 8 deep.
 *
 * Refuses (`json-malformed`, with the character offset) everything that RFC 8259 does not allow and duplicate names (B-08). Never throws.
 */
export function parseStrictJson(text: string): Parsed<JsonValue> {
  if (Buffer.byteLength(text) > jsonLimits.bytes) {
    return refuse('json-malformed', 'more than 1 MiB is not read', { offset: jsonLimits.bytes });
  }
  try {
    const at: Position = { text, offset: 0 };
    const value = readValue(at, 0);
    skipBlanks(at);
    return at.offset === text.length ? accepted(value) : fail(at, 'something follows the value');
  } catch (error: unknown) {
    if (error instanceof JsonFault) {
      return refuse('json-malformed', error.message, error.details);
    }
    throw error;
  }
}

/** Whether the value is an object. */
export function isMembers(value: JsonValue | undefined): value is JsonMembers {
  return value instanceof Map;
}

/** Whether the value is an array. */
export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** How far the text is read. */
interface Position {
  readonly text: string;
  offset: number;
}

const numberLimitCharacters = 64;
const literals: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ['null', null],
  ['true', true],
  ['false', false],
]);

function readValue(at: Position, depth: number): JsonValue {
  skipBlanks(at);
  const character = at.text.charAt(at.offset);
  if (character === '{' || character === '[') {
    if (depth === jsonLimits.depth) {
      fail(at, `objects and arrays are nested at most ${jsonLimits.depth} deep`);
    }
    return character === '{' ? readObject(at, depth + 1) : readArray(at, depth + 1);
  }
  if (character === '"') {
    return readString(at);
  }
  return character === '-' || isDigit(character) ? readNumber(at) : readLiteral(at);
}

function readObject(at: Position, depth: number): JsonMembers {
  const members = new Map<string, JsonValue>();
  readItems(at, '}', () => {
    skipBlanks(at);
    const start = at.offset;
    const name = readString(at);
    if (members.has(name)) {
      throw new JsonFault('a member name stands twice', { clause: 'B-08', offset: start });
    }
    skipBlanks(at);
    take(at, ':');
    members.set(name, readValue(at, depth));
  });
  return members;
}

function readArray(at: Position, depth: number): readonly JsonValue[] {
  const values: JsonValue[] = [];
  readItems(at, ']', () => values.push(readValue(at, depth)));
  return values;
}

/** Items with commas between them, from the opening bracket through the closing one. */
function readItems(at: Position, close: string, readItem: () => void): void {
  at.offset += 1;
  skipBlanks(at);
  if (at.text.charAt(at.offset) === close) {
    at.offset += 1;
    return;
  }
  for (;;) {
    readItem();
    skipBlanks(at);
    if (at.text.charAt(at.offset) === close) {
      at.offset += 1;
      return;
    }
    take(at, ',');
  }
}

function readString(at: Position): string {
  const start = at.offset;
  take(at, '"');
  let hasEscapes = false;
  for (;;) {
    const code = at.text.charCodeAt(at.offset);
    if (Number.isNaN(code) || code < 0x20) {
      return fail(at, 'a string holds no control character and ends in a quote');
    }
    at.offset += code === backslash ? 2 : 1;
    hasEscapes ||= code === backslash;
    if (code === quote) {
      return hasEscapes ? unescape(at, start) : at.text.slice(start + 1, at.offset - 1);
    }
  }
}

/** The escapes themselves are the language's business: this is one string and nothing else. */
function unescape(at: Position, start: number): string {
  try {
    return String(JSON.parse(at.text.slice(start, at.offset)));
  } catch {
    return fail({ ...at, offset: start }, 'a string has an escape that does not exist');
  }
}

function readNumber(at: Position): number | bigint {
  const start = at.offset;
  at.offset += at.text.charAt(at.offset) === '-' ? 1 : 0;
  const isZero = at.text.charAt(at.offset) === '0';
  const digits = takeDigits(at);
  if (isZero && digits > 1) {
    return fail({ ...at, offset: start }, 'a number does not begin with a zero');
  }
  const isInteger = !takeFraction(at);
  const text = at.text.slice(start, at.offset);
  if (text.length > numberLimitCharacters) {
    return fail({ ...at, offset: start }, `a number has at most ${numberLimitCharacters} characters`);
  }
  const value = Number(text);
  return isInteger && !Number.isSafeInteger(value) ? BigInt(text) : value;
}

function takeFraction(at: Position): boolean {
  const start = at.offset;
  if (at.text.charAt(at.offset) === '.') {
    at.offset += 1;
    takeDigits(at);
  }
  if (at.text.charAt(at.offset) === 'e' || at.text.charAt(at.offset) === 'E') {
    at.offset += 1;
    const sign = at.text.charAt(at.offset);
    at.offset += sign === '+' || sign === '-' ? 1 : 0;
    takeDigits(at);
  }
  return at.offset > start;
}

function takeDigits(at: Position): number {
  const start = at.offset;
  while (isDigit(at.text.charAt(at.offset))) {
    at.offset += 1;
  }
  return at.offset > start ? at.offset - start : fail(at, 'a digit is missing');
}

function readLiteral(at: Position): JsonValue {
  for (const [word, value] of literals) {
    if (at.text.startsWith(word, at.offset)) {
      at.offset += word.length;
      return value;
    }
  }
  return fail(at, 'this is no JSON value');
}

function take(at: Position, character: string): void {
  if (at.text.charAt(at.offset) !== character) {
    fail(at, `\`${character}\` is missing`);
  }
  at.offset += 1;
}

function skipBlanks(at: Position): void {
  while (isBlank(at.text.charCodeAt(at.offset))) {
    at.offset += 1;
  }
}

function fail(at: Readonly<Position>, message: string): never {
  throw new JsonFault(message, { offset: at.offset });
}

const quote = 0x22;
const backslash = 0x5c;
const isDigit = (character: string): boolean => character >= '0' && character <= '9' && character.length === 1;
const isBlank = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
