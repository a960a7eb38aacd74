import { accepted, type Parsed, refused } from '../../runtime/parsed.ts';

const mostLayers = 3;
const leastEncoded = 16;

/**
 * Bytes of a Secret's `data`: standard base64 with its padding, line breaks allowed, as the API server decodes it. A problem when it is anything else.
 * Never says what was there.
 */
export function decodeBase64(text: string): Parsed<Buffer> {
  const packed = text.replace(/[\r\n]/g, '');
  const isBase64 = packed.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(packed);
  return isBase64
    ? accepted(Buffer.from(packed, 'base64'))
    : refused({ code: 'not-base64', message: 'not valid base64' });
}

/** Bytes as text: UTF-8, or one character per byte where they are none, so that text between binary bytes is still seen. */
export function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

/**
 * The text, and what it says once base64 (standard or URL, at least 16 characters) is taken off it, layer by layer, three at most. A layer that does not decode
 * to printable text ends it.
 */
export function layersOf(text: string): readonly string[] {
  const layers = [text];
  for (let layer = decoded(text); layer !== undefined && layers.length <= mostLayers; layer = decoded(layer)) {
    layers.push(layer);
  }
  return layers;
}

function decoded(text: string): string | undefined {
  const packed = text.replace(/\s/g, '');
  if (packed.length < leastEncoded || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(packed)) {
    return undefined;
  }
  const plain = Buffer.from(packed, 'base64').toString('utf8');
  // biome-ignore format: the character class reads better on one line
  return plain !== '' && !/[^\P{Cc}\t\r\n]|\uFFFD/u.test(plain) ? plain : undefined;
}
